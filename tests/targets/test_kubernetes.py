"""The kubernetes target: pods as units, and the right ones come and go."""

from __future__ import annotations

import pytest

from autoscaler.clients.kubernetes import marks
from autoscaler.errors import StaleActionError, TargetConflict, TargetError
from autoscaler.model import Drain, UnitPhase
from tests.kubernetes.cluster import NAMESPACE
from tests.kubernetes.faults import Fault, Harm
from tests.targets.kubernetes_rig import (
    MARK,
    NOW,
    adding,
    drain,
    drained,
    left,
    remove,
    resume,
    running,
    target_of,
    units,
)


def hook(cluster, happening):
    """Let something happen in the moment in which a request arrives."""
    cluster.faults.active.append(Fault(Harm.ANSWER, lambda call: bool(happening(call))))


async def test_pods_are_units(cluster, target):
    names = await running(target, 3)
    unit = (await units(target))[names[0]]
    assert (unit.worker, unit.node, unit.image) == (f"celery@{names[0]}", "node-1", "airflow:3.1")
    assert (unit.ready, unit.grace_seconds, unit.drain) == (True, 30, None)


async def test_replicas_without_a_pod_count_so_that_nothing_is_asked_for_twice(cluster, target):
    await running(target, 3)
    cluster.controllers.quota = 3
    await target.add(adding(1, 2))
    found = await units(target)
    assert len(found) == 5
    waiting = [unit for unit in found.values() if unit.phase is UnitPhase.PENDING]
    assert [unit.condition for unit in waiting] == ["asked for, not made yet"] * 2
    assert cluster.replicas() == 5


async def test_replicas_are_raised_with_a_precondition(cluster, target):
    await running(target, 3)
    await target.add(adding(1, 2))
    await running(target, 5)
    patch = next(call for call in cluster.requests if call.verb == "patch")
    assert str(patch) == "patch deployments/scale worker"
    assert patch.query == {"fieldManager": "autoscaler", "fieldValidation": "Strict"}
    assert patch.body["metadata"]["resourceVersion"]


async def test_nothing_asked_is_nothing_done(cluster, target):
    await target.add([])
    await target.remove([])
    assert cluster.requests == []


async def test_the_same_addition_is_not_done_twice(cluster, target):
    await running(target, 3)
    await target.add(adding(1))
    for late in (adding(1), adding(0), adding(9, term=0)):
        with pytest.raises(StaleActionError):
            await target.add(late)
    assert cluster.replicas() == 4


async def test_there_are_never_more_than_the_maximum(cluster, target):
    await running(target, 3)
    with pytest.raises(TargetConflict, match="3 units are there already: 8 more would exceed 10"):
        await target.add(adding(*range(1, 9)))
    assert cluster.replicas() == 3


async def test_a_number_that_moved_since_the_plan_is_not_built_upon(cluster, target, monkeypatch):
    await running(target, 3)
    population = await target._replicas._look(NOW)
    cluster.scale(5, "kubectl")

    async def seen_before(_):
        return population

    monkeypatch.setattr(target._replicas, "_look", seen_before)
    with pytest.raises(TargetConflict, match="went from 3 to 5 since the plan"):
        await target.add(adding(1))
    assert cluster.replicas() == 5


async def test_a_mark_is_kept_changed_and_taken_away(cluster, target):
    [name, *_] = await running(target, 3)
    await target.mark(drain(name, 1), MARK)
    assert (await units(target))[name].drain == MARK
    more = Drain(NOW, ("default", "mail"), pinned=True)
    await target.mark(drain(name, 2), more)
    assert (await units(target))[name].drain == more
    await target.mark(resume(name, 3), None)
    assert (await units(target))[name].drain is None
    annotations = cluster.get("pods", name)["metadata"]["annotations"]
    assert annotations == {marks.FENCE: "1.3"}


async def test_a_mark_that_comes_late_is_refused_by_another_daemon_too(cluster, target, tmp_path):
    [name, other, *_] = await running(target, 3)
    await target.mark(drain(name, 3, term=2), MARK)
    with pytest.raises(StaleActionError):
        await target.mark(resume(name, 2, term=2), None)
    second = target_of(cluster, tmp_path)
    with pytest.raises(StaleActionError):
        await second.mark(resume(name, 9), None)
    with pytest.raises(StaleActionError, match="term 2"):
        await second.mark(drain(other, 9), MARK)
    assert (await units(second))[name].drain == MARK
    await second.aclose()


async def test_a_pod_that_changed_meanwhile_is_read_and_marked_again(cluster, target):
    [name, *_] = await running(target, 3)
    moved = []

    def change_once(call):
        if call.verb == "patch" and not moved:
            moved.append(call)
            cluster.annotate("pods", name, other="x")

    hook(cluster, change_once)
    await target.mark(drain(name, 1), MARK)
    assert (await units(target))[name].drain == MARK
    assert cluster.asked("get").count(f"get pods {name}") == 1


async def test_what_is_not_there_cannot_be_marked(target):
    with pytest.raises(TargetConflict, match="nobody is gone"):
        await target.mark(drain("nobody", 1), MARK)


async def test_exactly_the_drained_pods_leave(cluster, target):
    names = await running(target, 3)
    victims = [names[0], names[2]]
    await drained(target, *victims)
    await target.remove([remove(names[0], 5), remove(names[2], 6)])
    assert await left(target, *victims) == [names[1]]
    assert cluster.replicas() == 1
    writes = [call for call in cluster.asked("patch") if "scale" not in call]
    assert max(writes.count(f"patch pods {name}") for name in names) == 2
    assert cluster.asked("patch").count("patch deployments/scale worker") == 1


async def test_a_cost_below_what_others_have_set(cluster, target):
    names = await running(target, 3)
    cluster.annotate("pods", names[1], **{marks.COST: "-50"})
    await drained(target, names[0])
    await target.remove([remove(names[0], 5)])
    assert await left(target, names[0]) == names[1:]


async def test_a_unit_without_a_mark_is_not_removed(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    with pytest.raises(TargetConflict, match=f"{names[1]} is not marked"):
        await target.remove([remove(names[0], 5), remove(names[1], 6)])
    assert cluster.replicas() == 3


async def test_nobody_leaves_while_a_busy_pod_would_be_deleted_first(cluster, target):
    names = await running(target, 3)
    cluster.kubelet.set_ready(NAMESPACE, names[1], ready=False)
    await drained(target, names[0])
    with pytest.raises(TargetConflict, match=f"{names[1]} is not ready"):
        await target.remove([remove(names[0], 5)])
    assert cluster.replicas() == 3
    cluster.kubelet.set_ready(NAMESPACE, names[1], ready=True)
    await target.remove([remove(names[0], 6)])
    assert await left(target, names[0]) == names[1:]


async def test_a_removal_from_before_the_pod_was_resumed_is_refused(cluster, target):
    [name, *_] = await running(target, 3)
    await target.mark(drain(name, 1), MARK)
    late = remove(name, 2)
    await target.mark(resume(name, 3), None)
    await target.mark(drain(name, 4), MARK)
    with pytest.raises(StaleActionError):
        await target.remove([late])
    assert cluster.replicas() == 3


async def test_removing_what_is_gone_or_going_is_nothing(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    await target.remove([remove(names[0], 5)])
    await target.remove([remove(names[0], 6), remove("never-was", 7)])
    assert await left(target, names[0]) == names[1:]
    assert cluster.replicas() == 2


async def test_a_removal_whose_answer_was_lost_is_not_done_twice(cluster, target):
    """Replicas are lowered, the controller sleeps, and the next tick asks once more."""
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.controllers.deletes = False
    await target.remove([remove(names[0], 5)])
    assert (await units(target))[names[0]].drain.pinned
    await target.remove([remove(names[0], 6)])
    assert cluster.replicas() == 2
    assert cluster.asked("patch").count(f"patch pods {names[0]}") == 2
    cluster.controllers.deletes = True
    cluster.controllers.wake()
    assert await left(target, names[0]) == names[1:]


async def test_nothing_is_lowered_while_the_last_change_is_not_seen(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.controllers.asleep = True
    await target.add(adding(5))
    with pytest.raises(TargetConflict, match="has yet to see the last change"):
        await target.remove([remove(names[0], 6)])
    assert cluster.replicas() == 4


async def test_a_pod_whose_removal_has_begun_is_not_resumed(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.controllers.asleep = True
    await target.remove([remove(names[0], 5)])
    with pytest.raises(TargetConflict, match="has begun: it cannot resume"):
        await target.mark(resume(names[0], 6), None)


async def test_a_change_of_status_meanwhile_delays_nothing(cluster, target):
    """The version of the scale moves with each change of the workload's status."""
    names = await running(target, 3)
    await drained(target, names[0])
    moved = []

    def change_twice(call):
        if str(call) == "patch deployments/scale worker" and len(moved) < 2:
            moved.append(call)
            cluster.annotate("deployments", "worker", touched=str(len(moved)))

    hook(cluster, change_twice)
    await target.remove([remove(names[0], 5)])
    assert await left(target, names[0]) == names[1:]
    assert len(moved) == 2


async def test_another_pod_that_left_is_made_up_for_and_told(cluster, target, capsys):
    """Somebody deletes a busy pod in the moment in which replicas are lowered."""
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.controllers.asleep = True

    def strike(call):
        if str(call) == "patch deployments/scale worker":
            cluster.faults.clear()
            cluster.delete_pod(names[1])

    hook(cluster, strike)
    with pytest.raises(TargetError, match=f"{names[1]} left in place of {names[0]}: replicas rai"):
        await target.remove([remove(names[0], 5)])
    assert cluster.replicas() == 3


async def test_replicas_without_a_pod_are_marked_and_given_up(cluster, target):
    await running(target, 3)
    cluster.controllers.quota = 3
    await target.add(adding(1, 2))
    await target.mark(drain("worker-awaited-2", 3), MARK)
    assert (await units(target))["worker-awaited-2"].drain == MARK
    await target.remove([remove("worker-awaited-2", 4)])
    assert cluster.replicas() == 4
    assert len(await units(target)) == 4

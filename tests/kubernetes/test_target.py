"""The kubernetes target on a whole fake cluster, with no more rights than its page asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoscaler.errors import TargetConflict, TargetError
from tests.kubernetes.authorization import Rule
from tests.kubernetes.cluster import TOKEN, Cluster
from tests.kubernetes.ownership import Author
from tests.servers import eventually
from tests.targets.kubernetes_rig import (
    NOW,
    WORKERS,
    adding,
    drained,
    remove,
    running,
    target_of,
    units,
    watching,
)

LEAST = (
    Rule(["apps"], ["deployments", "statefulsets"], ["list", "watch"], ["worker"]),
    Rule(["apps"], ["deployments/scale", "statefulsets/scale"], ["get", "patch"], ["worker"]),
    Rule([""], ["pods"], ["get", "list", "watch", "patch"]),
    Rule(["autoscaling"], ["horizontalpodautoscalers"], ["list"]),
)
CLUSTER = {"api_version": "example.com/v1", "kind": "Cluster", "name": "worker"}


@pytest.fixture
async def targets(made: Cluster, tmp_path: Path):
    """Makes targets and closes them."""
    made.users.allow(TOKEN, *LEAST)
    every: list[Any] = []

    def make(**options: Any) -> Any:
        every.append(target_of(made, tmp_path, **options))
        return every[-1]

    yield make
    for one in every:
        await one.aclose()


async def test_a_deployment_grows_and_loses_exactly_the_drained_pods(made, targets):
    made.deployment("worker", 3)
    target = targets()
    async with watching(target):
        names = await running(target, 3)
        await target.add(adding(1, 2))
        names = await running(target, 5)
        await drained(target, names[0], names[3], first=5)
        await target.remove([remove(names[0], 8), remove(names[3], 9)])
        assert await running(target, 3) == [names[1], names[2], names[4]]
        assert made.replicas() == 3
        assert target.override(NOW) is None


async def test_a_statefulset_loses_its_top(made, targets):
    made.statefulset("worker", 3)
    target = targets(statefulset="worker")
    async with watching(target):
        assert await running(target, 3) == ["worker-0", "worker-1", "worker-2"]
        await drained(target, "worker-1", "worker-2")
        with pytest.raises(TargetConflict, match="worker-1 cannot leave: worker-2"):
            await target.remove([remove("worker-1", 5)])
        await target.remove([remove("worker-1", 6), remove("worker-2", 7)])
        assert await running(target, 1) == ["worker-0"]


async def test_what_has_a_scale_alone_grows(made, targets):
    made.users.allow(TOKEN)
    made.custom("worker", 2)
    target = targets(scale_target_ref=CLUSTER)
    names = await running(target, 2)
    await target.add(adding(1))
    await running(target, 3)
    await drained(target, names[0], first=5)
    with pytest.raises(TargetConflict, match="cannot be told which"):
        await target.remove([remove(names[0], 7)])


async def test_what_has_a_scale_that_does_not_tell_its_pods(made, targets):
    made.users.allow(TOKEN)
    made.controllers.tells_selector = False
    made.custom("worker", 1)
    made.deployment("other", 1)
    with pytest.raises(TargetError, match=r"Cluster worker does not tell .*: say pod_selector"):
        await units(targets(scale_target_ref=CLUSTER))
    fleet = replace(WORKERS, queues=())
    target = targets(fleet=fleet, scale_target_ref={**CLUSTER, "pod_selector": "app=worker"})
    async with watching(target):
        await running(target, 1)
        await target.add(adding(1))
        names = await running(target, 2)
        await drained(target, names[0], first=5)
        await target.remove([remove(names[0], 6)])
        await running(target, 1)


async def test_shields_are_accepted(made, targets):
    made.deployment("worker", 1)
    target = targets()
    [name] = await running(target, 1)
    await target.protect({name: True})
    annotations = made.get("pods", name)["metadata"]["annotations"]
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"


@pytest.mark.parametrize("manager", ["keda", "kubectl", "argocd"])
async def test_another_writer_is_named(made, targets, manager):
    made.deployment("worker", 2)
    target = targets()
    async with watching(target):
        await running(target, 2)
        made.scale(3, manager)
        await running(target, 3)
        with pytest.raises(TargetConflict, match="changed replicas of worker from 2 to 3"):
            await target.add(adding(1))
    assert made.replicas() == 3


@pytest.mark.parametrize("missing", range(3))
async def test_each_rule_is_named_when_it_is_missing(made, targets, missing):
    made.deployment("worker", 2)
    made.users.allow(TOKEN, *(rule for n, rule in enumerate(LEAST) if n != missing))
    target = targets()

    async def grow() -> None:
        await target.units(NOW)
        await target.add(adding(1))

    with pytest.raises(TargetError, match=LEAST[missing].resources[0]):
        await grow()
    assert made.replicas() == 2


async def test_a_lowering_whose_answer_was_lost_takes_nobody_else(made, targets):
    made.deployment("worker", 4)
    target = targets()
    names = await running(target, 4)
    await drained(target, names[0])
    made.faults.reset("patch deployments/scale", times=1)
    with pytest.raises(TargetError):
        await target.remove([remove(names[0], 5)])
    await units(target)
    await target.remove([remove(names[0], 6)])
    assert await running(target, 3) == names[1:]
    assert made.replicas() == 3


async def test_an_addition_whose_answer_was_lost_is_seen(made, targets):
    made.deployment("worker", 2)
    target = targets()
    await running(target, 2)
    made.faults.reset("patch deployments/scale", times=1)
    with pytest.raises(TargetError):
        await target.add(adding(1))
    assert len(await units(target)) == 3
    await running(target, 3)
    assert target.override(NOW) is None


async def test_conflicts_storms_and_pauses_pass(made, targets):
    made.deployment("worker", 3)
    target = targets()
    names = await running(target, 3)
    made.faults.conflict("patch pods", times=2)
    await drained(target, names[0])
    made.faults.conflict("patch deployments/scale", times=2)
    await target.remove([remove(names[0], 5)])
    assert await running(target, 2) == names[1:]


async def test_a_server_that_was_away_is_seen_again_without_a_wrong_word(made, targets):
    made.deployment("worker", 3)
    target = targets()
    async with watching(target):
        names = await running(target, 3)
        await made.server.stop()
        assert sorted(await units(target)) == names
        await made.server.start()

        async def again() -> bool:
            return sorted(await units(target)) == names

        await eventually(again, "the same pods")
        made.watches.expire()
        made.watches.cut()
        await target.add(adding(1))
        await running(target, 4)


async def test_a_rollout_is_waited_for(made, targets):
    made.deployment("worker", 3)
    target = targets()
    names = await running(target, 3)
    await drained(target, names[0])
    made.controllers.asleep = True
    template = {"spec": {"containers": [{"name": "worker", "image": "airflow:3.2"}]}}
    made.api.change(
        ("deployments", "airflow", "worker"),
        lambda item: item["spec"]["template"]["spec"].update(template["spec"]),
        Author("helm"),
    )
    with pytest.raises(TargetConflict, match="has yet to see the last change"):
        await target.remove([remove(names[0], 5)])
    assert made.replicas() == 3

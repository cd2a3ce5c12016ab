"""Pods as units, beside those that were asked for and have no pod."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.population import NOT_MADE, Population
from autoscaler.model import Drain, Fence, UnitPhase
from tests.clients.kubernetes.manifests import deployment, ordinal, pod, statefulset

NOW = 1_800_000_000.0
NAME = "celery@{pod}"


def population(workload, *pods, before=None, now=NOW) -> Population:
    return (before or Population(workload)).after(workload, pods, now)


def test_a_pod_is_a_unit_with_its_worker():
    unit = population(deployment(1), pod("a")).units(NAME)["a"]
    assert (unit.worker, unit.phase, unit.ready) == ("celery@a", UnitPhase.RUNNING, True)
    assert (unit.node, unit.image, unit.grace_seconds) == ("node-1", "airflow:3.1", 600)
    assert (unit.ordinal, unit.shielded, unit.spot, unit.condition) == (None, False, False, "")


def test_what_was_asked_for_and_is_not_there_counts():
    units = population(deployment(3), pod("a")).units(NAME)
    waiting = [units[f"worker-awaited-{n}"] for n in (1, 2)]
    assert [(u.phase, u.condition, u.worker) for u in waiting] == [
        (UnitPhase.PENDING, NOT_MADE, "")
    ] * 2
    assert len(units) == 3


def test_pods_that_end_or_have_ended_make_room_for_others():
    going = pod("b", deletionTimestamp="2026-11-22T10:00:00Z")
    units = population(deployment(2), pod("a"), going, pod("c", phase="Failed")).units(NAME)
    assert sorted(units) == ["a", "b", "c", "worker-awaited-1"]
    assert units["c"].phase is UnitPhase.FAILED


def test_missing_ordinals_are_awaited_by_their_number():
    found = population(statefulset(4), ordinal(0), ordinal(2))
    units = found.units(NAME)
    assert {name: unit.ordinal for name, unit in units.items()} == {
        "worker-0": 0,
        "worker-2": 2,
        "worker-awaited-1": 1,
        "worker-awaited-3": 3,
    }


def test_who_is_awaited_keeps_age_and_mark_until_it_is_there():
    workload = deployment(2)
    found = population(workload, pod("a"))
    found = found.marked("worker-awaited-1", Drain(NOW, ("default",)), Fence(1, 5))
    found = population(workload, pod("a"), before=found, now=NOW + 60)
    unit = found.units(NAME)["worker-awaited-1"]
    assert (unit.created_at, unit.drain) == (NOW, Drain(NOW, ("default",)))
    assert found.applied(Fence(0, 0)).units["worker-awaited-1"] == Fence(1, 5)
    found = population(workload, pod("a"), pod("b"), before=found, now=NOW + 90)
    assert sorted(found.units(NAME)) == ["a", "b"]
    again = population(replace(workload, uid="2"), pod("a"), before=found, now=NOW + 120)
    assert again.units(NAME)["worker-awaited-1"].created_at == NOW + 120


def test_a_pod_whose_removal_has_begun_is_not_resumed():
    drain = marks.drained(Drain(NOW, ("default",)))
    leaving = pod("a", annotations={**drain, marks.LEAVING: "true"})
    assert population(deployment(1), leaving).units(NAME)["a"].drain.pinned
    marked = pod("a", annotations=drain)
    assert not population(deployment(1), marked).units(NAME)["a"].drain.pinned
    failed = pod("a", annotations=drain, phase="Failed")
    assert population(deployment(1), failed).units(NAME)["a"].drain is None


def test_the_newest_fence_of_any_pod_is_the_fleets():
    fences = [pod(name, annotations=marks.fenced(Fence(2, n))) for n, name in enumerate("abc")]
    applied = population(deployment(3), *fences).applied(Fence(1, 99))
    assert (applied.fleet, applied.units["a"]) == (Fence(2, 2), Fence(2, 0))
    assert population(deployment(1), pod("a")).applied(Fence(1, 9)).fleet == Fence(1, 9)


def test_a_pod_that_was_written_is_as_it_was_written():
    found = population(deployment(1), pod("a"))
    assert found.with_pod(pod("a", ready=False)).units(NAME)["a"].ready is False

"""Checks of workers."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.checks.workers import WorkerCatatonic, WorkerSilent
from autoscaler.model import QueueState, Replica, Severity, Tick, UnitPhase
from tests.checks.scene import look, make, scene
from tests.records import NOW, replica, seen
from tests.ticks import turn

CHECKS = [WorkerSilent, WorkerCatatonic]
IDLE = {"idle_since": NOW - 200}


def fleet_of(*replicas: Replica, waiting: int = 9, **of_fleet: Any) -> Tick:
    snapshot = seen(*replicas, **of_fleet)
    queues = {name: QueueState(name, waiting) for name in snapshot.fleet.queues}
    return scene(turn(snapshot=snapshot), queues=queues)


def test_workers_without_a_sign_of_life():
    tick = fleet_of(
        replica("u1"),
        replica("u2", silent=True, heartbeat_at=NOW - 45, answered_at=NOW - 50),
        replica("u3", registered=False),
        replica("u4", silent=True, offline=True, drained=True),
    )
    (finding,), _ = look(make(WorkerSilent), tick)
    assert finding.summary == "3 of 4 running units of fleet default without a sign of life."
    assert finding.severity is Severity.WARNING
    assert finding.labels == {"fleet": "default"}
    assert finding.evidence == {
        "u2": "last sign of life 45 s ago",
        "u3": "its worker was never heard of in 10 min",
        "u4": "its worker said that it stops, and the unit still runs",
    }


@pytest.mark.parametrize(
    "quiet",
    [
        replica("u1", registered=False, unit={"created_at": NOW - 120}),
        replica("u1", registered=False, phase=UnitPhase.PENDING),
        replica("u1", silent=True, phase=UnitPhase.TERMINATING),
    ],
)
def test_silence_that_is_to_be_expected(quiet):
    assert look(make(WorkerSilent), fleet_of(quiet)) == ([], [])


@pytest.mark.parametrize("check", CHECKS)
def test_without_its_broker_a_fleet_is_not_judged(check):
    lost = replica("u1", silent=True, queues=(), **IDLE)
    tick = fleet_of(lost, missing={"queue/default": "broker: down", "worker/u1@host": "silent"})
    findings, (unjudged,) = look(make(check), tick)
    assert findings == []
    assert unjudged.labels == {"fleet": "default"}
    assert unjudged.reason == "queue/default: broker: down"


@pytest.mark.parametrize("check", CHECKS)
def test_a_fleet_without_queues_has_no_workers(check):
    tick = fleet_of(replica("u1", silent=True, registered=False), queues=())
    assert look(make(check), tick) == ([], [])


@pytest.mark.parametrize(
    ("stuck", "why"),
    [
        (replica("u1", **IDLE), "idle for 3 min while 9 tasks wait"),
        (replica("u1", reserved=3, **IDLE), "holds 3 tasks and runs none for 3 min"),
        (replica("u1", queues=(), **IDLE), "consumes no queue of its fleet, idle for 3 min"),
        (replica("u1", queues=("x",), **IDLE), "consumes no queue of its fleet, idle for 3 min"),
    ],
)
def test_workers_that_take_no_tasks(stuck, why):
    (finding,), _ = look(make(WorkerCatatonic), fleet_of(stuck, replica("u2", busy=4)))
    assert finding.summary == (
        "1 worker of fleet default alive but taking no task, with 9 tasks waiting."
    )
    assert finding.severity is Severity.CRITICAL
    assert finding.labels == {"fleet": "default"}
    assert finding.evidence == {"waiting": "9", "u1": why}


@pytest.mark.parametrize(
    "fine",
    [
        replica("u1", busy=1, **IDLE),
        replica("u1", idle_since=NOW - 119),
        replica("u1"),
        replica("u1", drained=True, **IDLE),
        replica("u1", silent=True, **IDLE),
        replica("u1", registered=False),
        replica("u1", phase=UnitPhase.TERMINATING, **IDLE),
        replica("u1", active=None, **IDLE),
    ],
)
def test_workers_that_are_not_suspect(fine):
    assert look(make(WorkerCatatonic), fleet_of(fine)) == ([], [])


def test_a_worker_with_nothing_to_do_may_idle():
    assert look(make(WorkerCatatonic), fleet_of(replica("u1", **IDLE), waiting=0)) == ([], [])
    assert (
        len(look(make(WorkerCatatonic, idle_seconds=10), fleet_of(replica("u1", **IDLE)))[0]) == 1
    )


def test_only_the_queues_it_consumes_count():
    one = replica("u1", queues=("quiet",), **IDLE)
    snapshot = seen(one, queues=("quiet", "default"))
    queues = {"quiet": QueueState("quiet", 0), "default": QueueState("default", 9)}
    tick = scene(turn(snapshot=snapshot), queues=queues)
    assert look(make(WorkerCatatonic), tick) == ([], [])

"""Checks of queues."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.checks.queues import OldestTaskTooOld, QueueWithoutConsumers
from autoscaler.model import Bottleneck, QueueState, Severity, UnitPhase, Verdict, WorkerState
from tests.checks.scene import look, make, scene
from tests.records import NOW, replica, seen, worker
from tests.ticks import asks, turn

CONSUMING = worker("w1@host")
SILENT = worker("w1@host", heartbeat_at=NOW - 31, answered_at=NOW - 31)
OFFLINE = worker("w1@host", offline=True)
ELSEWHERE = worker("w1@host", queues=("other",))
TACITURN = WorkerState("w1@host", heartbeat_at=NOW)


def waiting(tasks: int = 5, name: str = "default", **more: Any) -> dict[str, QueueState]:
    return {name: QueueState(name, tasks, **more)}


def test_tasks_that_nobody_consumes():
    fleet = turn(2, snapshot=seen(replica("u1", ready=False)))
    (finding,), _ = look(make(QueueWithoutConsumers), scene(fleet, queues=waiting()))
    assert finding.summary == "Nobody consumes default: 5 tasks waiting."
    assert finding.severity is Severity.CRITICAL
    assert finding.labels == {"queue": "default"}
    assert finding.evidence == {
        "waiting": "5",
        "consumers": "0",
        "fleets": "default",
        "desired_replicas": "2",
        "running_units": "1",
    }


@pytest.mark.parametrize("of", [SILENT, OFFLINE, ELSEWHERE])
def test_workers_that_do_not_count_as_consumers(of):
    tick = scene(turn(snapshot=seen()), queues=waiting(), workers=(of,))
    assert len(look(make(QueueWithoutConsumers), tick)[0]) == 1


def test_a_queue_that_no_fleet_serves():
    (finding,), _ = look(make(QueueWithoutConsumers), scene(queues=waiting(name="defualt")))
    assert finding.evidence["fleets"] == "none"
    assert "misspelt" in finding.remedy


@pytest.mark.parametrize(
    ("queues", "workers"),
    [
        (waiting(0), ()),
        (waiting(), (CONSUMING,)),
        (waiting(), (TACITURN, CONSUMING)),
        (waiting(consumers=1), ()),
    ],
)
def test_queues_that_are_fine(queues, workers):
    tick = scene(turn(snapshot=seen()), queues=queues, workers=workers)
    assert look(make(QueueWithoutConsumers), tick) == ([], [])


def test_the_broker_knows_its_consumers_better():
    tick = scene(turn(snapshot=seen()), queues=waiting(consumers=0), workers=(CONSUMING,))
    assert len(look(make(QueueWithoutConsumers), tick)[0]) == 1


def test_a_worker_that_is_on_its_way():
    young = {"created_at": NOW - 299}
    starting = replica("u1", registered=False, phase=UnitPhase.PENDING, unit=young)
    tick = scene(turn(snapshot=seen(starting)), queues=waiting())
    assert look(make(QueueWithoutConsumers), tick) == ([], [])
    assert len(look(make(QueueWithoutConsumers, starting_seconds=200), tick)[0]) == 1


@pytest.mark.parametrize(
    ("which", "findings"), [(Bottleneck.API_SERVER, 0), (Bottleneck.SCHEDULER, 1)]
)
def test_a_fleet_that_may_not_be_scaled_during_an_outage(which: Bottleneck, findings: int):
    held = replace(seen(), blockage=Verdict(which, "no answer from api"))
    found, unchecked = look(
        make(QueueWithoutConsumers), scene(turn(snapshot=held), queues=waiting())
    )
    assert len(found) == findings
    assert [one.reason for one in unchecked] == ["no answer from api"] * (1 - findings)


def test_a_fleet_that_its_policies_leave_at_zero():
    at_rest = turn(0, snapshot=seen(), recommendations=(asks(0, active=False),))
    assert look(make(QueueWithoutConsumers), scene(at_rest, queues=waiting())) == ([], [])
    blind = turn(0, snapshot=seen(), recommendations=(asks(None),))
    assert len(look(make(QueueWithoutConsumers), scene(blind, queues=waiting()))[0]) == 1


def test_consumers_that_nobody_can_tell():
    fleet = turn(snapshot=seen())
    unread = scene(fleet, queues=waiting(), missing={"workers": "timeout"})
    taciturn = scene(fleet, queues=waiting(), workers=(TACITURN,))
    for tick in (unread, taciturn):
        findings, (unjudged,) = look(make(QueueWithoutConsumers), tick)
        assert findings == []
        assert unjudged.labels == {"queue": "default"}


@pytest.mark.parametrize("check", [QueueWithoutConsumers, OldestTaskTooOld])
def test_queues_that_were_not_read(check):
    fleet = turn(snapshot=seen())
    _, (unjudged,) = look(make(check), scene(fleet, queues=waiting(0, "other")))
    assert unjudged.labels == {"queue": "default"}
    _, unchecked = look(make(check), scene(fleet, queues=None))
    assert [one.labels for one in unchecked] == [{}, {"queue": "default"}]


def test_a_task_that_waits_for_too_long():
    queues = waiting(7, oldest_age_seconds=400.0)
    (finding,), unchecked = look(make(OldestTaskTooOld), scene(queues=queues))
    assert finding.summary == "The oldest task of default has waited 6 min, more than 5 min."
    assert finding.severity is Severity.WARNING
    assert finding.evidence == {
        "oldest_age_seconds": "400",
        "allowed_seconds": "300",
        "waiting": "7",
    }
    assert unchecked == []


def test_ages_that_are_fine():
    for queues in (waiting(7, oldest_age_seconds=300.0), waiting(0, oldest_age_seconds=999.0)):
        assert look(make(OldestTaskTooOld), scene(queues=queues)) == ([], [])
    queues = waiting(7, oldest_age_seconds=300.0)
    assert len(look(make(OldestTaskTooOld, age_seconds=60), scene(queues=queues))[0]) == 1


def test_an_age_that_the_broker_does_not_tell():
    findings, (unjudged,) = look(make(OldestTaskTooOld), scene(queues=waiting()))
    assert findings == []
    assert unjudged.labels == {"queue": "default"}

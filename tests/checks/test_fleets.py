"""Checks of fleets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.checks.fleets import (
    DesiredAboveMax,
    DrainStuck,
    FleetFailing,
    ReplicasContested,
)
from autoscaler.model import Drain, DrainRules, Override, Severity
from tests.checks.scene import look, make, scene
from tests.records import NOW, replica, seen
from tests.ticks import asks, turn


def test_a_policy_that_asks_for_more_than_there_may_be():
    fleet = turn(10, snapshot=seen(replica("u1")), recommendations=(asks(4), asks(14, "slo")))
    (finding,), unchecked = look(make(DesiredAboveMax), scene(fleet))
    assert finding.summary == "Fleet default needs 14 replicas and may have 10."
    assert finding.labels == {"fleet": "default"}
    assert finding.evidence == {
        "policy": "slo",
        "reason": "38 tasks at 16 per replica",
        "max_replicas": "10",
        "current_replicas": "1",
    }
    assert unchecked == []
    assert make(DesiredAboveMax).options.for_seconds == 900


def test_a_policy_that_cannot_tell_leaves_the_rest_to_be_judged():
    above = turn(10, snapshot=seen(), recommendations=(asks(None), asks(14)))
    assert len(look(make(DesiredAboveMax), scene(above))[0]) == 1
    assert look(make(DesiredAboveMax), scene(turn(10, snapshot=seen()))) == ([], [])


@pytest.mark.parametrize("asked", [(), (asks(None),), (asks(None), asks(3))])
def test_what_no_policy_can_tell_is_not_judged(asked):
    fleet = turn(3, snapshot=seen(), recommendations=asked)
    findings, (unjudged,) = look(make(DesiredAboveMax), scene(fleet))
    assert findings == []
    assert unjudged.labels == {"fleet": "default"}


def leaving(name: str, seconds: float, **more: object):
    drain = Drain(NOW - seconds, ("default",))
    return replica(name, unit={"drain": drain}, **more)


def test_drains_that_do_not_end():
    snapshot = seen(
        replica("u0"),
        leaving("u1", 1801, busy=2),
        leaving("u2", 7200, silent=True),
        leaving("u3", 1800),
        leaving("u4", 1900, registered=False),
        leaving("u5", 1901, active=None),
    )
    (finding,), unchecked = look(make(DrainStuck), scene(turn(snapshot=snapshot)))
    assert finding.summary == (
        "4 units of fleet default still draining after 30 min, the longest for 2 h 00 min."
    )
    assert finding.severity is Severity.WARNING
    assert finding.labels == {"fleet": "default"}
    assert list(finding.evidence.items()) == [
        ("u2", "2 h 00 min, what it runs is not known"),
        ("u5", "31 min, what it runs is not known"),
        ("u4", "31 min, what it runs is not known"),
        ("u1", "30 min, runs 2 tasks"),
    ]
    assert unchecked == []


def test_how_long_a_drain_may_take_is_the_fleets_own():
    snapshot = seen(leaving("u1", 61), drain=DrainRules(warn_after_seconds=60))
    assert len(look(make(DrainStuck), scene(turn(snapshot=snapshot)))[0]) == 1
    assert look(make(DrainStuck), scene(turn(snapshot=seen(leaving("u1", 61))))) == ([], [])


def test_drains_of_a_target_that_was_not_read():
    snapshot = seen(missing={"target/default": "403"})
    findings, (unjudged,) = look(make(DrainStuck), scene(turn(snapshot=snapshot)))
    assert findings == []
    assert (unjudged.labels, unjudged.reason) == ({"fleet": "default"}, "403")


def test_a_turn_that_ends_in_a_bug():
    (finding,), _ = look(make(FleetFailing), scene(turn(error="KeyError('x')")))
    assert finding.summary == "Fleet default is not scaled: KeyError('x')."
    assert finding.severity is Severity.CRITICAL
    assert look(make(FleetFailing), scene(turn())) == ([], [])


def test_a_fleet_whose_size_another_writes():
    hold = Override("default", "KEDA scales it: delete the ScaledObject", "keda", NOW, None, None)
    held = replace(turn(5, snapshot=seen(replica("u1"))), override=replace(hold, contested=True))
    (finding,), unchecked = look(make(ReplicasContested), scene(held))
    assert finding.summary == "Fleet default is not scaled: keda writes its size."
    assert finding.evidence["reason"] == "KEDA scales it: delete the ScaledObject"
    assert (finding.evidence["current_replicas"], finding.evidence["wanted_replicas"]) == ("1", "5")
    assert unchecked == []
    paused = replace(held, override=hold)
    assert look(make(ReplicasContested), scene(paused)) == ([], [])
    assert look(make(ReplicasContested), scene(replace(held, override=None))) == ([], [])


def test_who_writes_the_size_is_not_known_where_the_target_is_not_read():
    blind = turn(5, snapshot=seen(missing={"target/default": "no answer"}))
    findings, (unjudged,) = look(make(ReplicasContested), scene(blind))
    assert (findings, unjudged.labels) == ([], {"fleet": "default"})

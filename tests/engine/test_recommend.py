"""Highest wins, lowest ceiling caps, silence stands against fewer."""

from __future__ import annotations

from autoscaler.engine.recommend import recommend
from autoscaler.model import Recommendation
from tests.records import fleet


def says(replicas, policy="p", *, ceiling=None, active=True, reason="ValidMetricFound"):
    return Recommendation(policy, replicas, reason, f"{policy} said so", ceiling, active)


def asked(*recommendations, current=5, **of_fleet):
    return recommend(recommendations, fleet(**of_fleet), current)


def test_the_highest_wins():
    found = asked(says(3, "a"), says(7, "b"), says(5, "c"))
    assert (found.replicas, found.known, found.ceiling) == (7, True, None)
    assert found.steps[0].message == "b: b said so"
    assert found.steps[0].reason == "ValidMetricFound"


def test_the_lowest_ceiling_caps():
    found = asked(says(9, "a", ceiling=8), says(2, "b", ceiling=6))
    assert [(s.reason, s.before, s.after) for s in found.steps] == [
        ("ValidMetricFound", 5, 9),
        ("Ceiling", 9, 6),
    ]
    assert found.steps[1].message == "b allows at most 6"
    assert found.ceiling == 6


def test_a_policy_that_cannot_tell_does_not_stop_growth():
    found = asked(says(None, "a", reason="FailedGetExternalMetric"), says(7, "b"))
    assert (found.replicas, found.known) == (7, True)


def test_a_policy_that_cannot_tell_stops_shrinking():
    found = asked(says(3, "a"), says(None, "b", reason="FailedGetExternalMetric"))
    assert (found.replicas, found.known) == (5, False)
    assert found.steps[-1].reason == "FailedGetExternalMetric"
    assert found.steps[-1].message == "b cannot tell: b said so"


def test_a_ceiling_does_not_lower_while_a_policy_cannot_tell():
    assert asked(says(None, "a"), says(9, "b", ceiling=2)).replicas == 5


def test_when_nobody_can_tell_the_number_stays():
    found = asked(says(None, "a", reason="first"), says(None, "b", reason="second"))
    assert (found.replicas, found.known, found.steps[0].reason) == (5, False, "first")


def test_without_policies_the_number_stays():
    assert asked().steps[0].reason == "NoPolicies"
    assert asked().replicas == 5


def test_with_a_minimum_of_zero_there_are_none_until_a_policy_is_active():
    idle = says(3, "a", active=False)
    assert asked(idle, min_replicas=0).replicas == 0
    assert asked(idle, current=0, min_replicas=0).replicas == 0
    assert asked(idle, says(2, "b"), current=0, min_replicas=0).replicas == 3
    assert asked(idle, min_replicas=1).replicas == 3
    assert asked(says(0), min_replicas=0).replicas == 1


def test_one_silent_policy_keeps_the_fleet_from_zero():
    found = asked(says(0, "a", active=False), says(None, "b"), min_replicas=0)
    assert (found.replicas, found.known) == (5, False)

"""Idle replicas stay as long as has paid off, where a fleet learns it."""

from __future__ import annotations

from autoscaler.engine.behavior import LEARNED_BEHAVIOR
from autoscaler.engine.decide import decide
from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.history import History
from autoscaler.interfaces import Context, Options, Policy
from autoscaler.model import Objective, Recommendation
from tests.records import NOW, replica, seen


class Says(Policy):
    """Asks for a number."""

    def recommend(self, snapshot):
        number = self.context
        return Recommendation("says", number, "Said", f"{number}", active=True)


def decided(history, number, at, current=5, **of_fleet):
    of_fleet = {"objective": Objective(), "behavior": LEARNED_BEHAVIOR, **of_fleet}
    snapshot = seen(*(replica(f"u{n}") for n in range(current)), now=at, samples={}, **of_fleet)
    policy = Says(Options(), number)
    assert isinstance(policy.context, int | Context | None)
    return decide([policy], snapshot, history)


def settled():
    return History(guard=GuardMemory.settled(NOW - 5))


def test_an_idle_replica_stays_and_says_why():
    _, history = decided(settled(), 5, NOW)
    _, history = decided(history, 2, NOW + 20)
    for at in range(25, 65, 5):
        decision, history = decided(history, 2, NOW + at)
    assert decision.desired == 5
    [step] = [step for step in decision.steps if step.reason == "LikelyNeededAgain"]
    assert step.message == (
        "5 are kept for another 50 s: as many were needed lately, and letting go of them so soon "
        "has cost more than it saved"
    )
    assert step.until == NOW + 110
    for at in range(65, 115, 5):
        decision, history = decided(history, 2, NOW + at)
    assert decision.desired < 5


def test_growth_is_not_limited():
    decision, _ = decided(settled(), 100, NOW, current=1, max_replicas=100)
    assert decision.desired == 100


def test_a_fleet_that_promises_nothing_or_has_a_behavior_learns_nothing():
    _, history = decided(settled(), 5, NOW, objective=None)
    assert history.idling.levels == ()
    _, history = decided(settled(), 5, NOW, behavior=None)
    assert history.idling.levels == ()


def test_a_policy_that_cannot_tell_teaches_nothing():
    _, history = decided(settled(), None, NOW)
    assert history.idling.levels == ()


def test_a_clock_set_back_takes_what_is_learned_with_it():
    _, history = decided(settled(), 5, NOW)
    _, history = decided(history, 2, NOW + 20)
    back = history.until(NOW - 1000)
    assert back.idling.levels[4].idle_since == NOW - 1000

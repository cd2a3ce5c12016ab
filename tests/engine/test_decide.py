"""One decision, stage by stage."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.decide import decide
from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.history import History, LoggedRecommendation, ScaleEvent
from autoscaler.model import (
    Behavior,
    Bottleneck,
    Decision,
    DrainRules,
    Limit,
    LimitType,
    Override,
    ScalingRules,
    Verdict,
)
from tests.engine.policies import Says
from tests.records import NOW, replica, seen

AT_ONCE = Behavior(ScalingRules(0), ScalingRules(0))
UNCAPPED = DrainRules(max_percent_per_cycle=100)


def settled(*recommendations):
    """A history that keeps no guard from agreeing; recommendations are (replicas, age)."""
    log = tuple(LoggedRecommendation(replicas, NOW - age) for replicas, age in recommendations)
    return History(recommendations=log, guard=GuardMemory.settled(NOW - 5))


def present(count, **of_fleet):
    facts = {"max_replicas": 20, "behavior": AT_ONCE, "drain": UNCAPPED, **of_fleet}
    return seen(*(replica(f"u{n}") for n in range(count)), **facts)


def decided(policies, snapshot, history=None, override=None) -> Decision:
    return decide(policies, snapshot, settled() if history is None else history, override)[0]


def trail(decision):
    """Each step as stage, number after it, and reason; every step begins where the last ended."""
    befores = [step.before for step in decision.steps]
    assert befores == [decision.current, *(step.after for step in decision.steps[:-1])]
    assert decision.desired == decision.steps[-1].after
    return [(step.stage.value, step.after, step.reason) for step in decision.steps]


def test_an_undisturbed_recommendation_passes_all_stages():
    decision = decided([Says(3), Says(7)], present(5))
    assert trail(decision) == [
        ("recommend", 7, "ValidMetricFound"),
        ("stabilize", 7, "ReadyForNewScale"),
        ("clamp", 7, "DesiredWithinRange"),
    ]
    assert (decision.desired, decision.reason, decision.message) == (
        7,
        "ValidMetricFound",
        "policy: told so",
    )
    assert [r.replicas for r in decision.recommendations] == [3, 7]


def test_the_first_cycle_observes_and_seeds_the_window():
    decision, history = decide([Says(9)], present(5), History())
    assert trail(decision) == [("recommend", 9, "ValidMetricFound"), ("guard", 5, "FirstCycle")]
    assert [r.replicas for r in history.recommendations] == [5, 9]
    assert history.guard.last_tick_at == NOW


def test_what_a_guard_holds_back_is_logged_all_the_same():
    snapshot = replace(present(5), missing={"broker": "down"})
    decision, history = decide([Says(2)], snapshot, settled())
    assert trail(decision)[-1] == ("guard", 5, "MissingData")
    assert history.recommendations[-1].replicas == 2


def test_a_window_holds_and_the_log_keeps_what_was_asked_for():
    down = Behavior(ScalingRules(0), ScalingRules(300))
    decision, history = decide([Says(2)], present(5, behavior=down), settled((4, 100)))
    assert trail(decision) == [
        ("recommend", 2, "ValidMetricFound"),
        ("stabilize", 4, "ScaleDownStabilized"),
        ("clamp", 4, "DesiredWithinRange"),
    ]
    assert decision.steps[1].until == NOW + 200
    assert history.recommendations[-1] == LoggedRecommendation(2, NOW)


def test_a_limit_counts_what_was_carried_out():
    slow = Behavior(ScalingRules(0, limits=(Limit(LimitType.PODS, 4, 60),)), ScalingRules(0))
    history = replace(settled(), ups=(ScaleEvent(3, NOW - 20),))
    decision = decided([Says(15)], present(5, behavior=slow), history)
    assert trail(decision)[-1] == ("limit", 6, "ScaleUpLimit")
    assert decision.steps[-1].until == NOW + 40


def test_without_behavior_a_rise_at_most_doubles_and_a_fall_waits():
    assert trail(decided([Says(18)], present(5, behavior=None)))[-1] == (
        "limit",
        10,
        "ScaleUpLimit",
    )
    decision = decided([Says(2)], present(5, behavior=None), settled((5, 299)))
    assert trail(decision)[1] == ("stabilize", 5, "ScaleDownStabilized")


def test_from_outside_the_bounds_it_goes_straight_back():
    behavior = Behavior(ScalingRules(300), ScalingRules(300))
    assert trail(decided([Says(25)], present(25, behavior=behavior))) == [
        ("clamp", 20, "TooManyReplicas")
    ]
    assert trail(decided([Says(1)], present(2, min_replicas=4))) == [("clamp", 4, "TooFewReplicas")]


def test_unknown_data_does_not_lower_even_to_the_maximum():
    snapshot = replace(present(25), missing={"broker": "down"})
    assert trail(decided([Says(25)], snapshot)) == [
        ("clamp", 20, "TooManyReplicas"),
        ("guard", 25, "MissingData"),
    ]


def test_at_zero_the_policies_say_how_many_to_start_with():
    assert decided([Says(5)], present(0, min_replicas=2)).desired == 5
    assert trail(decided([Says(1)], present(0, min_replicas=2)))[-1] == (
        "clamp",
        2,
        "TooFewReplicas",
    )


def test_guards_judge_what_would_come_of_it():
    assert trail(decided([Says(90)], present(5), History())) == [
        ("recommend", 90, "ValidMetricFound"),
        ("clamp", 20, "TooManyReplicas"),
        ("guard", 5, "FirstCycle"),
    ]
    assert trail(decided([Says(None)], present(0, min_replicas=2), History()))[-1] == (
        "guard",
        0,
        "FirstCycle",
    )
    blind = replace(present(2, min_replicas=2), missing={"broker": "down"})
    assert decided([Says(0)], blind).reason == "TooFewReplicas"


def test_the_minimum_is_started_though_nobody_can_tell():
    assert trail(decided([Says(None)], present(0, min_replicas=2))) == [
        ("recommend", 0, "FailedGetExternalMetric"),
        ("clamp", 2, "TooFewReplicas"),
    ]


def test_a_policy_that_cannot_tell_keeps_the_windows_whole():
    decision, history = decide([Says(2), Says(None)], present(5), settled())
    assert trail(decision) == [
        ("recommend", 2, "ValidMetricFound"),
        ("recommend", 5, "FailedGetExternalMetric"),
    ]
    assert history.recommendations[-1].replicas == 5


def test_to_zero_and_back_as_policies_are_active():
    assert decided([Says(1, active=False)], present(3, min_replicas=0)).desired == 0
    assert decided([Says(1, active=False)], present(0, min_replicas=0)).desired == 0
    assert decided([Says(1)], present(0, min_replicas=0)).desired == 1


def test_a_percentage_of_nothing_does_not_keep_a_fleet_at_zero():
    percent = ScalingRules(0, limits=(Limit(LimitType.PERCENT, 100, 15),))
    behavior = Behavior(percent, ScalingRules(0))
    snapshot = present(0, min_replicas=0, behavior=behavior)
    assert trail(decided([Says(5)], snapshot))[-2:] == [
        ("limit", 0, "ScaleUpLimit"),
        ("limit", 1, "FirstReplica"),
    ]
    lately = replace(settled(), ups=(ScaleEvent(1, NOW - 5),))
    assert decided([Says(5)], snapshot, lately).desired == 0


def test_a_ceiling_lowers_through_the_windows():
    down = Behavior(ScalingRules(0), ScalingRules(300))
    snapshot = present(8, behavior=down)
    assert decided([Says(8, ceiling=5)], snapshot, settled((8, 10))).desired == 8
    assert decided([Says(8, ceiling=5)], snapshot, settled((5, 299))).desired == 5


def test_recommendations_from_before_a_ceiling_do_not_raise_above_it():
    snapshot = present(8, behavior=None)
    decision = decided([Says(8, ceiling=9)], snapshot, settled((13, 10)))
    assert trail(decision)[-1] == ("limit", 9, "Ceiling")


def test_shrinking_is_capped_per_cycle():
    snapshot = present(10, drain=DrainRules(max_percent_per_cycle=30))
    assert trail(decided([Says(1)], snapshot))[-1] == ("guard", 7, "ShrinkCapped")


def by_operator(replicas, expires_at=None):
    return Override("default", "release night", "ada", NOW - 60, expires_at, replicas)


def test_an_operator_decides_in_place_of_policies_windows_and_limits():
    behavior = Behavior(ScalingRules(300), ScalingRules(300))
    decision = decided([Says(9)], present(5, behavior=behavior), settled(), by_operator(2, NOW + 9))
    assert trail(decision) == [("override", 2, "Override")]
    assert decision.message == "held at 2 by ada: release night"
    assert decision.steps[0].until == NOW + 9


def test_an_operator_cannot_leave_the_bounds():
    assert trail(decided([], present(5), None, by_operator(50))) == [
        ("override", 50, "Override"),
        ("clamp", 20, "TooManyReplicas"),
    ]


def test_an_operator_need_not_wait_for_settled_data_but_for_known_data():
    fresh = replace(settled(), guard=GuardMemory(last_tick_at=NOW - 5, known_since=NOW - 5))
    assert decided([Says(9)], present(5), fresh, by_operator(2)).desired == 2
    assert trail(decided([Says(2)], present(5), fresh))[-1] == ("guard", 5, "DataNotSettled")
    blind = replace(present(5), missing={"broker": "down"})
    assert trail(decided([], blind, None, by_operator(2)))[-1] == ("guard", 5, "MissingData")
    assert decided([], blind, None, by_operator(9)).desired == 9


def test_a_pause_changes_nothing_in_deciding():
    paused = decide([Says(9)], present(5), settled(), by_operator(None))
    assert paused == decide([Says(9)], present(5), settled())


def test_without_policies_the_number_stays():
    assert trail(decided([], present(5))) == [("recommend", 5, "NoPolicies")]


def test_growth_that_would_start_no_task_is_vetoed_last():
    pool = Verdict(Bottleneck.POOL, "pool small is 1/1, 50 waiting")
    decision = decided([Says(9)], replace(present(5), blockage=pool))
    assert trail(decision)[-2:] == [("clamp", 9, "DesiredWithinRange"), ("guard", 5, "Bottleneck")]
    assert decision.message == pool.message
    assert decided([Says(2)], replace(present(5), blockage=pool)).desired == 2

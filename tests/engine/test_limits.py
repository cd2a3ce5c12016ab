"""How far one decision may go."""

from __future__ import annotations

import pytest

from autoscaler.engine.history import History, ScaleEvent
from autoscaler.engine.limits import (
    Bounds,
    clamp,
    limit,
    limit_without_behavior,
    scale_down_limit,
    scale_up_limit,
    starts_from_nothing,
)
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules, Select, Stage
from tests.records import NOW

WIDE = Bounds(0, 1000)


def pods(value, period=60):
    return Limit(LimitType.PODS, value, period)


def percent(value, period=60):
    return Limit(LimitType.PERCENT, value, period)


def both(*limits, select=Select.MAX):
    rules = ScalingRules(limits=limits, select=select)
    return Behavior(rules, rules)


def changed(ups=(), downs=()):
    return History(
        ups=tuple(ScaleEvent(replicas, NOW - age) for replicas, age in ups),
        downs=tuple(ScaleEvent(replicas, NOW - age) for replicas, age in downs),
    )


def test_a_rise_is_limited_and_says_when_the_next_may_come():
    step = limit(History(), 10, 50, WIDE, both(pods(4, 15)), NOW)
    assert (step.stage, step.after, step.reason) == (Stage.LIMIT, 14, "ScaleUpLimit")
    assert step.message == "at most 4 replicas up per 15 s, 10 at its start"
    assert step.until == NOW + 15


def test_a_fall_is_limited_and_says_when_the_next_may_come():
    history = changed(downs=[(3, 20), (1, 90)])
    step = limit(history, 10, 1, WIDE, both(percent(50)), NOW)
    assert (step.stage, step.after, step.reason) == (Stage.LIMIT, 6, "ScaleDownLimit")
    assert step.message == "at most 50 % down per 60 s, 13 at its start"
    assert step.until == NOW + 40


def test_changes_of_both_directions_count():
    history = changed(ups=[(4, 30)], downs=[(2, 30)])
    rules = ScalingRules(limits=(percent(300, 300),))
    assert scale_up_limit(history, 6, rules, NOW) == 16
    assert scale_down_limit(history, 6, ScalingRules(limits=(pods(1, 300),)), NOW) == 3


def test_percents_round_towards_the_larger_change():
    rules = ScalingRules(limits=(percent(1),))
    assert scale_up_limit(History(), 3, rules, NOW) == 4
    assert scale_down_limit(History(), 3, rules, NOW) == 2


@pytest.mark.parametrize(
    ("select", "up", "down"), [(Select.MAX, 30, 0), (Select.MIN, 12, 8), (Select.DISABLED, 10, 10)]
)
def test_select(select, up, down):
    rules = ScalingRules(limits=(pods(2), percent(200)), select=select)
    assert scale_up_limit(History(), 10, rules, NOW) == up
    assert max(0, scale_down_limit(History(), 10, rules, NOW)) == down


def test_a_disabled_direction_stays_where_it_is():
    for proposed, reason in ((50, "ScaleUpLimit"), (1, "ScaleDownLimit")):
        step = limit(History(), 10, proposed, WIDE, both(pods(5), select=Select.DISABLED), NOW)
        assert (step.after, step.reason, step.until) == (10, reason, None)
    assert step.message == "scaling down is disabled"


def test_a_limit_never_turns_the_direction_round():
    history = changed(ups=[(9, 10)], downs=[(9, 5), (30, 10)])
    assert limit(changed(ups=[(9, 10)]), 10, 50, WIDE, both(pods(5)), NOW).after == 10
    assert limit(history, 10, 1, WIDE, both(pods(5)), NOW).after == 10


def test_no_limits_limit_nothing():
    assert limit(History(), 1, 900, WIDE, both(), NOW).after == 900
    assert limit(History(), 900, 0, WIDE, both(), NOW).after == 0


@pytest.mark.parametrize(
    ("current", "proposed", "after", "reason"),
    [
        (5, 7, 7, "DesiredWithinRange"),
        (5, 9, 8, "TooManyReplicas"),
        (5, 1, 3, "TooFewReplicas"),
        (5, 5, 5, "DesiredWithinRange"),
        (1, 2, 2, "DesiredWithinRange"),
    ],
)
def test_the_closer_of_limit_and_bound_holds(current, proposed, after, reason):
    step = limit(History(), current, proposed, Bounds(3, 8), both(pods(100)), NOW)
    assert (step.stage, step.after, step.reason) == (Stage.CLAMP, after, reason)


@pytest.mark.parametrize(
    ("proposed", "message"), [(2, "nothing limits it in this direction"), (4, "within 3..8")]
)
def test_a_step_does_not_say_that_it_is_within_bounds_when_it_is_not(proposed, message):
    step = limit(History(), 1, proposed, Bounds(3, 8), both(pods(100)), NOW)
    assert (step.after, step.message) == (proposed, message)


@pytest.mark.parametrize(
    ("current", "proposed", "after", "reason"),
    [
        (3, 9, 6, "ScaleUpLimit"),
        (1, 9, 4, "ScaleUpLimit"),
        (9, 30, 12, "TooManyReplicas"),
        (9, 1, 2, "TooFewReplicas"),
        (9, 3, 3, "DesiredWithinRange"),
    ],
)
def test_without_behavior_a_step_at_most_doubles(current, proposed, after, reason):
    step = limit_without_behavior(current, proposed, Bounds(2, 12))
    assert (step.after, step.reason) == (after, reason)


def test_clamp_says_which_bound_it_was():
    assert clamp(9, Bounds(1, 5)).message == "max_replicas is 5"
    assert clamp(0, Bounds(1, 5)).message == "min_replicas is 1"
    assert clamp(3, Bounds(1, 5)).message == "within 1..5"


@pytest.mark.parametrize(
    ("rules", "history", "free"),
    [
        (ScalingRules(limits=(percent(100),)), History(), True),
        (ScalingRules(limits=(percent(100),)), changed(ups=[(1, 10)]), False),
        (ScalingRules(limits=(percent(100), pods(1))), History(), False),
        (ScalingRules(limits=(percent(100),), select=Select.DISABLED), History(), False),
    ],
)
def test_only_percents_of_nothing_are_lifted(rules, history, free):
    assert starts_from_nothing(history, rules, NOW) is free

"""What holds of every decision, whatever the policies say and whenever they say it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import assume, given
from hypothesis import strategies as st

from autoscaler.engine.decide import decide
from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.history import History
from autoscaler.model import (
    Behavior,
    Decision,
    DrainRules,
    Limit,
    LimitType,
    Override,
    ScalingRules,
    Select,
)
from tests.engine.policies import Says
from tests.records import NOW, replica, seen

LEAST, MOST = 1, 30
REPLICAS = [replica(f"u{n}") for n in range(MOST + 10)]
LIMITS = st.builds(Limit, st.sampled_from(LimitType), st.integers(1, 200), st.integers(5, 120))
RULES = st.builds(
    ScalingRules,
    stabilization_window_seconds=st.sampled_from([None, 0, 20, 60, 300]),
    select=st.sampled_from(Select),
    limits=st.lists(LIMITS, min_size=1, max_size=3).map(tuple),
)
BEHAVIORS = st.builds(Behavior, RULES, RULES)
OVERRIDES = st.builds(
    Override, st.just("default"), st.just("why"), st.just("ada"), st.just(NOW),
    replicas=st.none() | st.integers(0, MOST + 10),
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """One tick: what the policies ask for, what is not known, and when."""

    asked: tuple[int | None, ...]
    seconds_later: float
    blind: bool = False
    override: Override | None = None


MOMENTS = st.builds(
    Moment,
    asked=st.lists(st.none() | st.integers(0, MOST + 10), max_size=3).map(tuple),
    seconds_later=st.integers(1, 40).map(float),
    blind=st.booleans(),
    override=st.none() | OVERRIDES,
)
UNDISTURBED = st.builds(
    Moment,
    asked=st.tuples(st.integers(0, MOST + 10)),
    seconds_later=st.integers(1, 40).map(float),
)


def snapshot(current, moment, now, behavior, **of_fleet):
    return seen(
        *REPLICAS[:current],
        now=now,
        missing={"broker": "down"} if moment.blind else {},
        behavior=behavior,
        **{
            "min_replicas": LEAST,
            "max_replicas": MOST,
            "drain": DrainRules(max_percent_per_cycle=100, max_percent_per_hour=10_000),
            **of_fleet,
        },
    )


def walk(start, behavior, moments, history=None) -> list[Decision]:
    """Decide tick after tick, every decision carried out at once."""
    history = History(guard=GuardMemory.settled(NOW)) if history is None else history
    now, current, decisions = NOW, start, []
    for moment in moments:
        now += moment.seconds_later
        seen_now = snapshot(current, moment, now, behavior)
        policies = [Says(replicas) for replicas in moment.asked]
        decision, history = decide(policies, seen_now, history, moment.override)
        history = history.scaled(current, decision.desired, now, behavior)
        current = decision.desired
        decisions.append(decision)
    return decisions


STARTS = st.integers(LEAST, MOST)
WALKS = st.lists(MOMENTS, min_size=1, max_size=12)
QUIET_WALKS = st.lists(UNDISTURBED, min_size=1, max_size=20)


@given(STARTS, st.none() | BEHAVIORS, WALKS)
def test_desired_stays_between_min_and_max(start, behavior, moments):
    for decision in walk(start, behavior, moments, History()):
        assert LEAST <= decision.desired <= MOST


@given(st.integers(0, MOST + 10), st.none() | BEHAVIORS, MOMENTS)
def test_from_anywhere_it_stays_or_comes_within_bounds(start, behavior, moment):
    (decision,) = walk(start, behavior, [moment])
    assert decision.desired == start or LEAST <= decision.desired <= MOST


@given(st.integers(0, MOST + 10), st.none() | BEHAVIORS, WALKS)
def test_unknown_data_never_lowers(start, behavior, moments):
    for moment, decision in zip(moments, walk(start, behavior, moments), strict=True):
        if moment.blind:
            assert decision.desired >= decision.current


@given(STARTS, st.none() | BEHAVIORS, WALKS)
def test_a_policy_that_cannot_tell_never_lets_the_others_lower(start, behavior, moments):
    for moment, decision in zip(moments, walk(start, behavior, moments), strict=True):
        operated = moment.override is not None and moment.override.replicas is not None
        if not operated and (None in moment.asked or not moment.asked):
            assert decision.desired >= decision.current


@given(STARTS, st.none() | BEHAVIORS, WALKS)
def test_a_replay_gives_the_same_decisions(start, behavior, moments):
    assert walk(start, behavior, moments) == walk(start, behavior, moments)


@given(STARTS, BEHAVIORS, QUIET_WALKS)
def test_no_more_change_per_period_than_the_limits_allow(start, behavior, moments):
    decisions = walk(start, behavior, moments)
    for index, decision in enumerate(decisions):
        if decision.desired > decision.current:
            allowed = most_allowed(behavior.scale_up, start, decisions[: index + 1])
            assert decision.desired <= allowed
        elif decision.desired < decision.current:
            allowed = least_allowed(behavior.scale_down, start, decisions[: index + 1])
            assert decision.desired >= allowed


def size_before(start, decisions, period):
    """How many replicas there were `period` seconds before the last decision."""
    now = decisions[-1].at
    earlier = [decision.desired for decision in decisions[:-1] if decision.at <= now - period]
    return earlier[-1] if earlier else start


def most_allowed(rules, start, decisions):
    sizes = [(rule, size_before(start, decisions, rule.period_seconds)) for rule in rules.limits]
    select = min if rules.select is Select.MIN else max
    return select(
        size + rule.value
        if rule.type is LimitType.PODS
        else math.ceil(size * (1 + rule.value / 100))
        for rule, size in sizes
    )


def least_allowed(rules, start, decisions):
    sizes = [(rule, size_before(start, decisions, rule.period_seconds)) for rule in rules.limits]
    select = max if rules.select is Select.MIN else min
    return select(
        size - rule.value if rule.type is LimitType.PODS else int(size * (1 - rule.value / 100))
        for rule, size in sizes
    )


@given(STARTS, BEHAVIORS, QUIET_WALKS)
def test_a_disabled_direction_is_never_taken(start, behavior, moments):
    up, down = (
        rules.select is Select.DISABLED for rules in (behavior.scale_up, behavior.scale_down)
    )
    assume(up or down)
    for decision in walk(start, behavior, moments):
        assert not (up and decision.desired > decision.current)
        assert not (down and decision.desired < decision.current)


@given(STARTS, BEHAVIORS, QUIET_WALKS)
def test_a_fall_was_wanted_for_its_whole_window(start, behavior, moments):
    window = behavior.scale_down.stabilization_window_seconds
    window = 300 if window is None else window
    decisions = walk(start, behavior, moments)
    for index, decision in enumerate(decisions):
        recent = [
            earlier.recommendations[0].replicas
            for earlier in decisions[: index + 1]
            if earlier.at > decision.at - window or earlier is decision
        ]
        assert decision.desired >= min(decision.current, max(recent))


@given(STARTS, BEHAVIORS, QUIET_WALKS)
def test_every_change_has_its_steps(start, behavior, moments):
    for decision in walk(start, behavior, moments):
        befores = [step.before for step in decision.steps]
        afters = [step.after for step in decision.steps]
        assert befores == [decision.current, *afters[:-1]]
        assert afters[-1] == decision.desired
        assert all(step.reason and step.message for step in decision.steps)

"""Which step holds, and what it makes of the replicas there are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.interfaces import Context
from autoscaler.model import FleetSnapshot, Recommendation, Replica
from autoscaler.policies.step import StepOptions, StepPolicy, StepRule
from tests.records import replica, seen

STEPS: list[dict[str, Any]] = [
    {"above": 100, "percent": 50},
    {"at_most": 2, "replicas": 0},
    {"above": 10, "change": 1},
    {"at_most": 5, "change": -2},
    {"above": 1000, "replicas": 9},
]


def fleet_of(current: int, ready: int | None = None) -> tuple[Replica, ...]:
    alive = current if ready is None else ready
    return tuple(replica(f"u{n}", ready=n < alive) for n in range(current))


def recommended(snapshot: FleetSnapshot, **options: Any) -> Recommendation:
    asked = StepOptions.model_validate({"sample": "queue_depth", "steps": STEPS, **options})
    return StepPolicy(asked, Context("steps")).recommend(snapshot)


@pytest.mark.parametrize(
    ("depth", "replicas", "message"),
    [
        (0, 0, "queue_depth = 0, at most 2: 0 replicas"),
        (2, 0, "queue_depth = 2, at most 2: 0 replicas"),
        (3, 2, "queue_depth = 3, at most 5: -2"),
        (5, 2, "queue_depth = 5, at most 5: -2"),
        (6, 4, "queue_depth = 6 is in no step"),
        (10, 4, "queue_depth = 10 is in no step"),
        (10.5, 5, "queue_depth = 10.5, above 10: +1"),
        (101, 6, "queue_depth = 101, above 100: +50 %"),
        (5000, 9, "queue_depth = 5000, above 1000: 9 replicas"),
    ],
)
def test_the_farthest_bound_passed_holds(depth: float, replicas: int, message: str) -> None:
    answer = recommended(seen(*fleet_of(4), samples={"queue_depth": depth}))
    assert (answer.policy, answer.replicas, answer.message) == ("steps", replicas, message)
    assert answer.reason == ("BetweenSteps" if "no step" in message else "Step")
    assert answer.active is (replicas > 0)


def test_what_was_added_must_be_ready_before_more_is() -> None:
    def asked(current: int, ready: int) -> int | None:
        snapshot = seen(*fleet_of(current, ready), samples={"queue_depth": 11})
        return recommended(snapshot).replicas

    assert asked(current=4, ready=4) == 5
    assert asked(current=5, ready=4) == 5
    assert asked(current=5, ready=5) == 6
    assert asked(current=5, ready=0) == 5


@pytest.mark.parametrize(
    ("percent", "current", "replicas"),
    [(10, 0, 1), (10, 1, 2), (10, 19, 20), (10, 29, 31), (-10, 1, 0), (-10, 29, 27), (-100, 7, 0)],
)
def test_percent_is_cut_to_whole_replicas_but_at_least_one(
    percent: int, current: int, replicas: int
) -> None:
    assert StepRule(above=0, percent=percent).apply(current, current) == replicas


def test_fewer_than_none_is_none() -> None:
    assert StepRule(above=0, change=-5).apply(3, 3) == 0


def test_a_missing_sample_is_no_recommendation() -> None:
    answer = recommended(seen(*fleet_of(4)), labels={"queue": "a"})
    assert (answer.replicas, answer.reason) == (None, "SampleMissing")
    assert answer.message == "there is no sample queue_depth"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([], "must hold 1 to 50 steps, not 0"),
        ([{"above": n, "change": 1} for n in range(51)], "must hold 1 to 50 steps, not 51"),
        ([{"change": 1}], "needs a bound"),
        ([{"above": 1, "at_most": 2, "change": 1}], "needs a bound"),
        ([{"above": 1}], "needs an effect"),
        ([{"above": 1, "change": 1, "replicas": 1}], "needs an effect"),
        ([{"above": 1, "percent": 0}], "a change of 0 does nothing"),
        ([{"above": 1, "change": 1}, {"above": 1, "change": 2}], "two steps have the bound 1"),
        ([{"at_most": 3, "change": -1}, {"at_most": 3, "change": -2}], "two steps have the bound"),
        ([{"above": 1, "change": 1}, {"at_most": 2, "change": -1}], "at_most 2 and above 1"),
    ],
)
def test_steps_that_make_no_sense_are_refused(steps: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        StepOptions.model_validate({"sample": "queue_depth", "steps": steps})


def test_zero_replicas_can_be_a_step() -> None:
    assert StepRule(at_most=0, replicas=0).apply(5, 5) == 0


@given(st.floats(0, 1e9), st.integers(0, 12), st.integers(0, 12))
def test_growth_and_shrinking_go_the_way_they_say(depth: float, current: int, ready: int) -> None:
    ready = min(ready, current)
    snapshot = seen(*fleet_of(current, ready), samples={"queue_depth": depth})
    replicas = recommended(snapshot).replicas
    assert replicas is not None
    assert replicas >= 0
    if 10 < depth <= 1000:
        assert replicas >= current
    if depth <= 10:
        assert replicas <= current

"""How many replicas fit, for several fleets at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.headroom import Claim, fitting


def claim(limit=100.0, cost=10.0, *, assumed=False, coming=0, may_add=50):
    return Claim(limit, cost, assumed, coming, may_add)


@pytest.mark.parametrize(
    ("level", "mine", "more"),
    [
        (60, claim(), 4),
        (61, claim(), 3),
        (60, claim(coming=1), 3),
        (60, claim(coming=9), 0),
        (60, claim(may_add=2), 2),
        (60, claim(cost=0.0), 50),
        (99.5, claim(cost=0.0), 50),
        (100, claim(cost=0.0), 0),
        (120, claim(), 0),
    ],
)
def test_one_fleet(level, mine, more):
    assert fitting(level, {"a": mine}, turn=0) == {"a": more}


def test_without_a_budget_or_with_all_replicas_there_a_fleet_is_not_bounded_but_counts():
    others = {"free": claim(limit=None, coming=2), "full": claim(may_add=0, coming=1)}
    assert fitting(50, {"a": claim(), **others}, turn=0) == {"a": 2}
    assert fitting(50, others, turn=0) == {}


def test_what_makes_no_whole_replica_for_each_goes_to_one_after_the_other():
    claims = {name: claim() for name in "abc"}
    assert [fitting(80, claims, turn) for turn in range(3)] == [
        {"a": 2, "b": 0, "c": 0},
        {"a": 0, "b": 2, "c": 0},
        {"a": 0, "b": 0, "c": 2},
    ]
    assert fitting(20, claims, turn=1) == {"a": 2, "b": 4, "c": 2}


def test_where_costs_are_only_assumed_one_replica_may_come_to_make_them_known():
    unknown = claim(cost=34.0, assumed=True)
    assert fitting(90, {"a": unknown}, turn=0) == {"a": 1}
    assert fitting(20, {"a": unknown}, turn=0) == {"a": 2}
    assert fitting(100, {"a": unknown}, turn=0) == {"a": 0}
    assert fitting(50, {"a": unknown, "b": claim(coming=1)}, turn=0)["a"] == 0
    assert fitting(90, {"a": unknown, "b": unknown}, turn=1) == {"a": 0, "b": 1}


CLAIMS = st.builds(
    Claim,
    limit=st.none() | st.integers(0, 500),
    cost=st.integers(0, 40).map(float),
    assumed=st.just(False),
    coming=st.integers(0, 5),
    may_add=st.integers(0, 100),
)


@given(st.integers(0, 600), st.dictionaries(st.sampled_from("abcd"), CLAIMS), st.integers(0, 1000))
def test_all_of_them_together_stay_within_the_largest_limit(level, claims, turn):
    found = fitting(level, claims, turn)
    assert all(0 <= more <= claims[name].may_add for name, more in found.items())
    coming = sum(each.cost * each.coming for each in claims.values())
    if any(more * claims[name].cost for name, more in found.items()):
        after = level + coming + sum(claims[name].cost * more for name, more in found.items())
        assert after <= max(claims[name].limit for name in found)


@given(st.integers(0, 600), st.integers(1, 40), st.integers(0, 600), st.integers(0, 1000))
def test_alone_a_fleet_may_use_all_that_is_left(level, cost, limit, turn):
    more = fitting(level, {"a": claim(limit, float(cost), may_add=1000)}, turn)["a"]
    assert more == 0 or level + more * cost <= limit
    assert level + (more + 1) * cost > limit

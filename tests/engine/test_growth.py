"""What a replica adds to what fleets load together, by steps up of one fleet alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.growth import MOST_READINGS, MOST_STEPS, Growth, Level
from tests.records import NOW

GAP = 60.0


def walk(*levels, ticks=3, seconds=5.0, start=NOW, before=None):
    """From (replicas of a, of b, reading), each for so many ticks."""
    growth, at = before or Growth(), start
    for a, b, reading in levels:
        for _ in range(ticks):
            growth = growth.after(Level({"a": a, "b": b}, at, at, (reading,)), GAP)
            at += seconds
    return growth


def test_three_steps_of_a_fleet_tell_what_its_replica_adds_and_nothing_of_the_other():
    growth = walk((1, 5, 20), (2, 5, 29), (4, 5, 47), (5, 5, 56))
    assert growth.per_replica("a") == 9
    assert growth.per_replica("b") is None


def test_one_odd_step_does_not_matter():
    growth = walk((1, 0, 20), (2, 0, 29), (3, 0, 138), (4, 0, 147), (5, 0, 156), (6, 0, 165))
    assert growth.per_replica("a") == 9


@pytest.mark.parametrize(
    "levels",
    [
        [(1, 0, 20), (2, 0, 29), (3, 0, 38)],
        [(4, 0, 47), (3, 0, 38), (2, 0, 29), (1, 0, 20)],
        [(1, 0, 20), (2, 1, 29), (3, 2, 38), (4, 3, 47)],
    ],
    ids=["two steps", "steps down", "steps of both"],
)
def test_what_tells_nothing(levels):
    assert walk(*levels).per_replica("a") is None


def test_a_level_must_settle_before_it_tells():
    levels = (1, 0, 20), (2, 0, 29), (3, 0, 38), (4, 0, 47)
    assert walk(*levels, ticks=2).per_replica("a") is None
    assert walk(*levels, ticks=3, seconds=1.0).per_replica("a") is None
    assert walk(*levels, ticks=11, seconds=1.0).per_replica("a") == 9


def test_levels_that_pass_quickly_are_left_out():
    growth = walk((1, 0, 20), (2, 0, 29), (3, 0, 38))
    growth = walk((4, 0, 0), (5, 0, 0), ticks=1, start=NOW + 45, before=growth)
    growth = walk((6, 0, 65), start=NOW + 55, before=growth)
    assert growth.steps == {"a": (9.0, 9.0)}
    assert growth.per_replica("a") == 9


def test_across_a_gap_and_a_clock_set_back_nothing_is_compared():
    for start in (NOW + 120, NOW - 500):
        growth = walk((2, 0, 60), start=start, before=walk((1, 0, 20)))
        assert growth.before is None
        assert walk((3, 0, 70), (4, 0, 80), start=start + 15, before=growth).steps == {"a": (10.0,)}


def test_what_was_learned_outlives_a_gap_and_goes_with_its_fleet():
    growth = walk((1, 5, 20), (2, 5, 29), (3, 5, 38), (4, 5, 47))
    later = walk((4, 5, 90), start=NOW + 3600, before=growth)
    assert later.per_replica("a") == 9
    alone = later.after(Level({"b": 5}, NOW + 3615, NOW + 3615, (40.0,)), GAP)
    for tick in range(1, 4):
        at = NOW + 3615 + 5 * tick
        alone = alone.after(Level({"b": 5}, at, at, (40.0,)), GAP)
    assert (alone.steps, alone.per_replica("a")) == ({}, None)


def test_what_falls_as_replicas_come_costs_nothing():
    assert walk((1, 0, 40), (2, 0, 30), (3, 0, 20), (4, 0, 10)).per_replica("a") == 0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.floats(0, 1e6)), max_size=60),
    st.sampled_from([1, 3, 9]),
)
def test_what_is_kept_is_bounded_and_costs_are_never_negative(levels, ticks):
    growth = walk(*levels, ticks=ticks)
    assert all(len(steps) <= MOST_STEPS for steps in growth.steps.values())
    kept = [level for level in (growth.before, growth.level) if level is not None]
    assert all(len(level.readings) <= MOST_READINGS for level in kept)
    assert all((growth.per_replica(fleet) or 0) >= 0 for fleet in "ab")

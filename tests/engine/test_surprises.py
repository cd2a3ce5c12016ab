"""How far forecasts fell short at such times before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.surprises import KEPT, Surprises

HOUR, DAY = 3600, 86_400
AHEAD = 60.0


def lived(levels, quantile=0.9):
    """Ticks of one level each, at (seconds, level), each foreseen to stay as it is."""
    known = Surprises()
    for at, level in levels:
        known = known.after(at, level, level, AHEAD, quantile)
    return known


def test_calm_work_needs_nothing_to_spare():
    assert lived((at, 100.0) for at in range(0, 2 * HOUR, 30)).spare == 0


def test_what_came_unforeseen_at_this_minute_of_hours_is_kept_for():
    bursts = lived((at, 103.0 if at % HOUR < 300 else 100.0) for at in range(0, 6 * HOUR - 60, 30))
    assert bursts.spare == pytest.approx(3)
    calm = lived((at, 103.0 if at % HOUR < 300 else 100.0) for at in range(0, 5 * HOUR + 1800, 30))
    assert calm.spare == 0


def test_no_more_is_kept_than_a_share_of_what_is_needed():
    wild = lived((at, 1000.0 if at % HOUR < 300 else 10.0) for at in range(0, 6 * HOUR - 60, 30))
    assert 0 < wild.spare <= 0.051 * wild.mean


def test_less_than_was_foreseen_is_no_reason_for_fewer():
    falling = lived((at, 1000.0 - at / 100) for at in range(0, HOUR, 30))
    assert falling.spare == 0


def test_a_pause_and_a_clock_set_back_judge_nothing():
    known = lived([(0, 10.0), (2 * DAY, 500.0)])
    assert not known.misses
    assert not lived([(1000, 10.0), (900, 50.0)]).misses


@given(st.lists(st.tuples(st.floats(1, 5000), st.floats(0, 1000)), max_size=60))
def test_it_is_bounded_and_never_negative(steps):
    known, now = Surprises(), 0.0
    for later, level in steps:
        now += later
        known = known.after(now, level, level, AHEAD, 0.9)
        assert known.spare >= 0
        assert len(known.misses) in (0, KEPT)
        assert len(known.foreseen) <= AHEAD


def test_what_nobody_saw_is_not_known():
    known = lived([(at, 100.0) for at in range(0, 600, 30)])
    known = known.after(7200, 100, 100, AHEAD, 0.9)
    for at in range(7230, 7500, 30):
        known = known.after(at, 100, 100, AHEAD, 0.9)
    assert [n for n, miss in enumerate(known.misses) if miss == 0] == [*range(10), *range(120, 123)]

"""How long a task may still take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.durations import OUTLIVED, SPREAD, Durations, durations

SECONDS = st.floats(0.01, 1e5)
MANY = tuple(float(n) for n in range(10, 90, 10))


def test_many_stand_for_themselves():
    known = Durations(MANY)
    assert [known.remaining(at) for at in (0.0, 0.5, 0.99)] == [10, 50, 80]


def test_few_stand_for_others_close_to_them():
    known = Durations([100])
    assert [known.remaining(at) for at in (0, 0.25, 0.5, 0.75)] == [100 * f for f in SPREAD]


def test_what_was_outlived_counts_no_more():
    known = Durations(MANY)
    assert known.remaining(0.0, elapsed=45) == 5
    assert known.remaining(0.99, elapsed=45) == 35


def test_one_that_outlived_all_may_end_at_once_or_last():
    known = Durations(MANY)
    assert known.remaining(0.0, elapsed=100) == 100 * OUTLIVED[0]
    assert known.remaining(0.99, elapsed=100) == 100 * OUTLIVED[-1]


def test_the_share_of_a_while_that_is_taken():
    known = Durations(MANY)
    assert known.share(1e9) == pytest.approx(0, abs=1e-6)
    assert known.share(5) == 1
    assert known.share(30) == pytest.approx((10 + 20 + 30 * 6) / 8 / 30)
    assert known.share(30, elapsed=65) == pytest.approx((5 + 15) / 2 / 30)
    assert known.share(30, elapsed=100) == 1
    assert Durations([1.0] * 8).share(30, elapsed=6) == pytest.approx(0.2)


@given(st.lists(SECONDS, min_size=1, max_size=64), SECONDS, st.floats(0, 1e5), st.floats(0, 0.999))
def test_shares_are_shares_and_nothing_ends_in_the_past(values, within, elapsed, at):
    known = Durations(values)
    assert -1e-6 <= known.share(within, elapsed) <= 1 + 1e-6
    assert known.remaining(at, elapsed) >= 0


def test_the_same_values_are_put_in_order_once():
    assert durations(MANY) is durations(tuple(MANY))

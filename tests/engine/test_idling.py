"""How long an idle replica stays: as long as it has paid off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.idling import FIRST_SECONDS, LEAST_GAPS, MOST_GAPS, MOST_LEVELS, Idling

PRICE = 300.0


def played(*needs, start=Idling()):  # noqa: B008 - a value
    """Needs as (replicas, at); there are always as many as were ever needed."""
    idling, most = start, 0
    for needed, at in needs:
        most = max(most, needed)
        idling = idling.after(needed, most, at, PRICE)
    return idling


def again(every, busy, times=6, level=2):
    """Needed for `busy` seconds in every `every` seconds."""
    for n in range(times):
        yield level, n * every
        yield level - 1, n * every + busy


def test_at_first_an_idle_replica_stays_for_a_while():
    idling = played((3, 0), (1, 100))
    assert idling.kept(3, 100) == (3, 100 + FIRST_SECONDS)
    assert idling.kept(3, 100 + FIRST_SECONDS - 1) == (3, 100 + FIRST_SECONDS)
    assert idling.kept(3, 100 + FIRST_SECONDS) == (1, None)


def test_one_that_is_soon_needed_again_stays_longer():
    idling = played(*again(every=300, busy=100))
    assert idling.levels[1].gaps == (200,) * 5
    assert idling.levels[1].stays_seconds == 240


def test_one_that_is_long_not_needed_again_leaves_at_once():
    idling = played(*again(every=3600, busy=100))
    assert idling.levels[1].stays_seconds == 15


def test_gaps_are_bounded_and_few_tell_nothing():
    few = played(*again(every=300, busy=100, times=LEAST_GAPS))
    assert few.levels[1].stays_seconds == FIRST_SECONDS
    many = played(*again(every=300, busy=100, times=100))
    assert len(many.levels[1].gaps) == MOST_GAPS


def test_what_is_there_and_was_never_needed_is_idle_since_it_was_seen():
    idling = Idling().after(1, 5, 1000, PRICE)
    assert idling.kept(5, 1000) == (5, 1000 + FIRST_SECONDS)
    assert idling.kept(5, 2000) == (1, None)
    assert idling.kept(0, 1000) == (0, None)


def test_nothing_new_is_the_same_value():
    idling = played((3, 0), (2, 10))
    assert idling.after(2, 3, 20, PRICE) is idling


def test_levels_are_bounded():
    idling = Idling().after(10**6, 10**6, 0, PRICE)
    assert len(idling.levels) == idling.needed == MOST_LEVELS


def test_a_clock_that_was_set_back_takes_the_times_with_it():
    idling = played((3, 5000), (1, 5100)).set_back(5000)
    assert idling.kept(3, 100) == (3, 100 + FIRST_SECONDS)
    assert idling.kept(3, 100 + FIRST_SECONDS) == (1, None)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(1, 2000)), max_size=40), st.integers(0, 30))
def test_never_fewer_than_needed_nor_more_than_there_are(steps, current):
    idling, now = Idling(), 0.0
    for needed, later in steps:
        now += later
        idling = idling.after(needed, max(needed, current), now, PRICE)
        kept, until = idling.kept(current, now)
        assert min(needed, current) <= kept <= current
        assert (until is None) == (kept <= needed)

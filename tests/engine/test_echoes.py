"""What jobs of a timetable brought before is what they are expected to bring."""

from __future__ import annotations

import pytest

from autoscaler.engine.echoes import HEARD_SECONDS, MOST_ECHOES, Echo, Echoes
from autoscaler.model import Job

HOUR = 3600.0


def hourly(now: float) -> Job:
    """A job that comes by the hour."""
    last = now // HOUR * HOUR
    return Job("hourly", frozenset({"default"}), (last, last - HOUR), (last + HOUR,))


def burst(now: float) -> float:
    """Two slots, and for ten minutes of each hour ten more, from one minute on."""
    return 12.0 if 60 <= now % HOUR < 660 else 2.0


def watched(begin: float, end: float, echoes: Echoes | None = None, needs=burst) -> Echoes:
    echoes = echoes or Echoes()
    now = begin
    while now < end:
        echoes = echoes.after([hourly(now)], now, needs(now))
        now += 15
    return echoes


def expected(echoes: Echoes, now: float, ahead: float = 90.0) -> float:
    return echoes.expected([hourly(now)], now, ahead)


def test_what_came_after_it_last_time_is_expected_next_time():
    once = watched(0.9 * HOUR, 1.95 * HOUR)
    due = 2 * HOUR
    assert expected(once, due - 95) == 0, "it is too far away"
    assert expected(once, due - 60) == 0, "what it brings comes a minute later"
    assert expected(once, due - 30) == 10
    assert expected(once, due - 1, ahead=30) == 0


def test_of_a_job_that_came_what_is_left_is_expected():
    twice = watched(0.9 * HOUR, 2 * HOUR + 40)
    assert expected(twice, 2 * HOUR + 30) == 10, "it comes soon"
    there = watched(2 * HOUR + 40, 2 * HOUR + 80, twice)
    assert expected(there, 2 * HOUR + 75) == 0, "it is there"


def test_the_first_time_nothing_is_known():
    echoes = watched(0.9 * HOUR, HOUR + 40)
    assert expected(echoes, HOUR + 30) == 0
    assert Echoes().expected([Job("new", frozenset(), (), (10.0,))], 0.0, 60.0) == 0


def test_one_that_was_not_watched_from_its_beginning_tells_nothing():
    assert watched(HOUR + 5, 1.5 * HOUR).by_job == {}
    assert Echoes().after([Job("new", frozenset(), (), ())], 0.0, 1.0).by_job == {}


def test_it_is_listened_to_for_a_while_and_the_last_times_are_kept():
    echoes = watched(0.9 * HOUR, 8 * HOUR)
    [heard] = echoes.by_job.values()
    assert [echo.at for echo in heard] == [HOUR * hour for hour in range(8 - MOST_ECHOES, 8)]
    assert max(after for after, _ in heard[0].rises) <= HEARD_SECONDS
    assert echoes.after([], 8 * HOUR, 1.0).by_job == {}, "a job that is no more"


def test_what_falls_is_no_rise():
    falling = watched(0.9 * HOUR, 1.5 * HOUR, needs=lambda now: 10.0 if now < HOUR else 0.0)
    [[echo]] = falling.by_job.values()
    assert echo.base == 10
    assert echo.most(0, HOUR) == 0
    assert Echo(0, 0).most(0, 10) == 0


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_is_due_often_brings_no_more_at_once(times):
    known = Echoes({"often": (Echo(0, 0, ((0.0, 4.0),)),)}, (0, 0))
    job = Job("often", frozenset(), (50.0,), tuple(100.0 + 10 * n for n in range(times)))
    assert known.expected([job], 99.0, 60.0) == 4

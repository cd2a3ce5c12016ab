"""Times of cron expressions, daylight saving included."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.cron import times_between, window_around


def at(local: str, timezone: str) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(timezone)).timestamp()


ZONES = ["Europe/Berlin", "America/New_York", "Antarctica/Troll", "Asia/Kolkata", "UTC"]
CRONS = [
    "30 7 * * 1-5",
    "30 2 * * *",
    "0 3 * * *",
    "15 1,2,3 * * *",
    "*/30 0-4 * * *",
    "0 0 1 * *",
    "59 23 * * SUN",
    "0 12 L * *",
]


@pytest.mark.parametrize("timezone", ZONES)
@pytest.mark.parametrize("cron", CRONS)
def test_it_agrees_with_counting_from_far_back(cron: str, timezone: str) -> None:
    """Around both changes of the clock, and at other times of that year."""
    begin, end = at("2025-02-01", timezone), at("2025-12-01", timezone)
    times = []
    for time in CronSim(cron, datetime.fromtimestamp(begin, ZoneInfo(timezone))):
        times.append(time.timestamp())
        if time.timestamp() > end:
            break
    random = Random(cron + timezone)
    changes = [
        at(day, timezone) for day in ("2025-03-09", "2025-03-30", "2025-10-26", "2025-11-02")
    ]
    moments = [day + random.uniform(-3, 6) * 3600 for day in changes for _ in range(15)]
    moments += [random.uniform(begin + 45 * 86_400, end - 45 * 86_400) for _ in range(15)]
    for moment in moments:
        place = bisect_right(times, moment)
        soon = times[place : bisect_left(times, moment + 7200)]
        assert times_between(cron, timezone, moment, moment + 7200) == tuple(soon)
        assert window_around(cron, timezone, moment) == (times[place - 1], times[place])


@given(st.floats(0, 4e9), st.sampled_from(CRONS), st.sampled_from([*ZONES, "Australia/Lord_Howe"]))
def test_the_last_time_is_not_after_now_and_the_next_is(
    now: float, cron: str, timezone: str
) -> None:
    before, after = window_around(cron, timezone, now)
    assert before <= now < after


def test_a_time_that_came_once_and_never_again() -> None:
    leap = datetime(2096, 3, 1, tzinfo=UTC).timestamp()
    before, after = window_around("0 0 29 2 *", "UTC", leap)
    assert before == datetime(2096, 2, 29, tzinfo=UTC).timestamp()
    assert after == datetime(2104, 2, 29, tzinfo=UTC).timestamp()

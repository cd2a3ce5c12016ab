"""Windows of local time, daylight saving included."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.interfaces import Context
from autoscaler.model import Recommendation
from autoscaler.policies.schedule import Schedule, ScheduleOptions, window_around
from tests.records import seen

MORNING = {
    "cron": "30 7 * * 1-5",
    "timezone": "Europe/Berlin",
    "duration_seconds": 5400,
    "min_replicas": 8,
}


def at(local: str, timezone: str = "Europe/Berlin", fold: int = 0) -> float:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(timezone), fold=fold).timestamp()


def recommended(now: float, **changes: Any) -> Recommendation:
    options = ScheduleOptions.model_validate({**MORNING, **changes})
    return Schedule(options, Context("morning")).recommend(seen(now=now))


@pytest.mark.parametrize(
    ("local", "open_"),
    [
        ("2026-03-02 07:29:59", False),
        ("2026-03-02 07:30:00", True),
        ("2026-03-02 08:59:59", True),
        ("2026-03-02 09:00:00", False),
        ("2026-03-07 08:00:00", False),
    ],
)
def test_a_window_opens_and_closes(local: str, *, open_: bool) -> None:
    answer = recommended(at(local))
    assert (answer.policy, answer.ceiling) == ("morning", None)
    if open_:
        assert (answer.replicas, answer.active, answer.reason) == (8, True, "InSchedule")
        assert answer.message == "at least 8 until Mon 2026-03-02 09:00 CET"
    else:
        assert (answer.replicas, answer.active, answer.reason) == (0, False, "OutsideSchedule")


@pytest.mark.parametrize(
    ("local", "message"),
    [
        ("2026-03-02 07:00", "outside its window, next at Mon 2026-03-02 07:30 CET"),
        ("2026-03-06 12:00", "outside its window, next at Mon 2026-03-09 07:30 CET"),
        ("2026-03-27 12:00", "outside its window, next at Mon 2026-03-30 07:30 CEST"),
    ],
)
def test_outside_it_says_when_it_opens(local: str, message: str) -> None:
    assert recommended(at(local)).message == message


def test_a_ceiling_asks_for_nothing() -> None:
    answer = recommended(at("2026-03-02 08:00"), min_replicas=None, max_replicas=3)
    assert (answer.replicas, answer.ceiling, answer.active) == (0, 3, False)
    assert answer.message == "at most 3 until Mon 2026-03-02 09:00 CET"


def test_floor_and_ceiling_together() -> None:
    answer = recommended(at("2026-03-02 08:00"), max_replicas=12)
    assert (answer.replicas, answer.ceiling, answer.active) == (8, 12, True)
    assert answer.message == "at least 8 and at most 12 until Mon 2026-03-02 09:00 CET"


def test_a_floor_of_zero_keeps_nothing_awake() -> None:
    answer = recommended(at("2026-03-02 08:00"), min_replicas=0)
    assert (answer.replicas, answer.active) == (0, False)


def test_windows_that_overlap_are_one() -> None:
    minutely = {"cron": "*/10 * * * *", "duration_seconds": 1200, "timezone": "UTC"}
    answers = [
        recommended(at("2026-03-02 08:00", "UTC") + s, **minutely) for s in range(0, 3600, 7)
    ]
    assert {answer.replicas for answer in answers} == {8}


def test_a_time_that_the_clock_skips_comes_after_the_gap() -> None:
    nightly = {"cron": "30 2 * * *", "duration_seconds": 600}
    assert recommended(at("2026-03-29 01:59:59"), **nightly).replicas == 0
    assert recommended(at("2026-03-29 03:00:00"), **nightly).replicas == 8
    assert recommended(at("2026-03-29 03:10:00"), **nightly).replicas == 0


def test_a_time_that_the_clock_repeats_comes_once() -> None:
    nightly = {"cron": "30 2 * * *", "duration_seconds": 600}
    assert recommended(at("2026-10-25 02:35"), **nightly).replicas == 8
    assert recommended(at("2026-10-25 02:35", fold=1), **nightly).replicas == 0


def test_a_window_lasts_as_long_through_a_change_of_the_clock() -> None:
    night = {"cron": "0 1 * * *", "duration_seconds": 4 * 3600}
    opened = at("2026-03-29 01:00")
    assert recommended(opened + 4 * 3600 - 1, **night).replicas == 8
    assert recommended(opened + 4 * 3600, **night).replicas == 0
    assert "until Sun 2026-03-29 06:00 CEST" in recommended(opened, **night).message


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


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cron": "61 * * * *"}, "the minute in '61 \\* \\* \\* \\*' is wrong; write 0-59"),
        ({"cron": "* * * * * *"}, "must have the five fields"),
        ({"cron": "@hourly"}, "must have the five fields"),
        ({"cron": f"{'*/1,' * 200}1 * * * *"}, "must have the five fields"),
        ({"cron": "0 0 31 2 *"}, "in a month that has it"),
        ({"cron": "0 0 */31 * MON#5"}, "never comes"),
        ({"cron": "0 0 * * 1L/2"}, "the day-of-week in"),
        ({"timezone": "Mars/Phobos"}, "is not an IANA timezone"),
        ({"timezone": "Europe"}, "is not an IANA timezone"),
        ({"timezone": ""}, "is not an IANA timezone such as"),
        ({"timezone": "/etc/passwd"}, "is not an IANA timezone"),
        ({"timezone": "a\0b"}, "is not an IANA timezone"),
        ({"duration_seconds": 0}, "greater than or equal to 1"),
        ({"min_replicas": None}, "does nothing"),
        ({"max_replicas": 7}, "min_replicas 8 is more than max_replicas"),
    ],
)
def test_what_makes_no_sense_is_refused_at_load(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ScheduleOptions.model_validate({**MORNING, **changes})


@given(st.text(st.sampled_from("0123456789*/-,#LW SUNMOJA@?x"), max_size=24))
def test_any_cron_is_taken_or_refused(cron: str) -> None:
    try:
        options = ScheduleOptions.model_validate({**MORNING, "cron": cron})
    except ValueError:
        return
    before, after = window_around(options.cron, "UTC", 1.7e9)
    assert before <= 1.7e9 < after

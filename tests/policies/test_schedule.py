"""Windows of local time, daylight saving included."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.cron import window_around
from autoscaler.interfaces import Context
from autoscaler.model import Recommendation
from autoscaler.policies.schedule import Schedule, ScheduleOptions
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

"""The timetable source: when jobs were due and will be, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.interfaces import Context
from autoscaler.model import Fleet, Job, Sample
from autoscaler.sources.timetable import Timetable, TimetableOptions

FLEETS = (Fleet("a", ("reports", "mails")), Fleet("b", ("eu",)))
MONDAY = datetime(2026, 3, 2, 7, 50, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def timetable(*jobs: dict[str, Any]) -> Timetable:
    options = TimetableOptions.model_validate({"jobs": jobs})
    return Timetable(options, Context("timetable", fleets=FLEETS))


async def test_a_job_that_comes_by_the_hour() -> None:
    source = timetable({"name": "hourly", "cron": "0 * * * *", "queues": ["reports"]})
    state = await source.read(MONDAY)
    past = tuple(MONDAY - 50 * 60 - hours * HOUR for hours in range(8))
    assert state.jobs == (Job("hourly", frozenset({"reports"}), past, (MONDAY + 600,)),)
    assert list(state.samples()) == [Sample("job_due_seconds", 600, MONDAY, {"job": "hourly"})]


async def test_what_was_due_becomes_past() -> None:
    source = timetable({"name": "hourly", "cron": "0 * * * *"})
    await source.read(MONDAY)
    [job] = (await source.read(MONDAY + 600)).jobs
    assert job.past[0] == MONDAY + 600
    assert len(job.past) == 8
    assert job.due == ()


async def test_one_that_is_not_due_soon_has_no_sample() -> None:
    state = await timetable({"name": "nightly", "cron": "0 2 * * *"}).read(MONDAY)
    assert state.jobs[0].due == ()
    assert list(state.samples()) == []


async def test_only_what_is_remembered_of_the_past() -> None:
    [job] = (await timetable({"name": "weekly", "cron": "50 7 * * 1"}).read(MONDAY)).jobs
    assert job.past == (MONDAY, MONDAY - 7 * DAY, MONDAY - 14 * DAY)


async def test_the_tasks_of_a_job_may_go_to_any_queue() -> None:
    [job] = (await timetable({"name": "all", "cron": "* * * * *"}).read(MONDAY)).jobs
    assert job.queues == {"reports", "mails", "eu"}


async def test_local_time_and_seconds() -> None:
    source = timetable({"name": "x", "cron": "15 55 8 * * *", "timezone": "Europe/Berlin"})
    assert (await source.read(MONDAY)).jobs[0].due == (MONDAY + 315,)


async def test_intervals_from_a_time_on() -> None:
    beat = {"name": "beat", "every_seconds": 40.1, "since": "2026-03-02T08:49:40+01:00"}
    [job] = (await timetable(beat).read(MONDAY)).jobs
    assert job.past[:2] == pytest.approx((MONDAY - 20, MONDAY - 60.1))
    assert job.due == pytest.approx([MONDAY - 20 + 40.1 * run for run in range(1, 23)])


async def test_intervals_count_from_midnight_where_nobody_says_otherwise() -> None:
    [job] = (await timetable({"name": "x", "every_seconds": 0.1 + 299.9}).read(MONDAY)).jobs
    assert job.due == (MONDAY + 300, MONDAY + 600)


async def test_what_comes_often_is_told_for_a_while_only() -> None:
    [job] = (await timetable({"name": "x", "every_seconds": 1}).read(MONDAY)).jobs
    assert job.due == tuple(MONDAY + 1 + run for run in range(32))


@pytest.mark.parametrize(
    ("jobs", "why"),
    [
        ([], "at least 1 item"),
        ([{"name": "a"}], "needs cron or every_seconds, one of the two"),
        ([{"name": "a", "cron": "0 2 * * *", "every_seconds": 5}], "one of the two"),
        ([{"name": "a", "every_seconds": 5, "since": "2026-03-02T08:00:00"}], "timezone"),
        ([{"name": "a", "cron": "@daily"}], "must have the five fields"),
        ([{"name": "a", "cron": "61 * * * * *"}], "the second in .* is wrong; write 0-59"),
        ([{"name": "a", "cron": "* * * * *", "timezone": "Mars"}], "no IANA|not an IANA"),
        ([{"name": "a", "cron": "* * * * *"}] * 2, "two jobs are called 'a'"),
    ],
)
def test_what_makes_no_sense_is_refused_at_load(jobs: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TimetableOptions.model_validate({"jobs": jobs})

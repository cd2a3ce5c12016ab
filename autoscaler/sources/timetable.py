"""Source of what runs by the clock without Airflow: jobs of Celery beat, of cron, of other systems.

It says when jobs come, not how much they bring: that is learned from what followed them before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from autoscaler.engine.cron import (
    checked_cron_with_seconds,
    checked_timezone,
    window_around,
)
from autoscaler.interfaces import Context, Options, Source
from autoscaler.model import Job, TimetableState

AHEAD_SECONDS = 900.0
MOST_DUE, MOST_PAST = 32, 8
PAST_SECONDS = 14 * 86_400.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROUNDING = 1e-6  # of an interval, so that a time that was reckoned lies not before itself


class JobOptions(Options):
    """One entry: when something sends tasks, and to which queues."""

    name: str = Field(min_length=1, description="what it is called")
    cron: Annotated[str, AfterValidator(checked_cron_with_seconds)] | None = Field(
        default=None,
        description="when it runs: minute hour day-of-month month day-of-week, or six fields of "
        "which the first is the second",
    )
    timezone: Annotated[str, AfterValidator(checked_timezone)] = Field(
        default="UTC", description="IANA name of the timezone of cron, such as Europe/Berlin"
    )
    every_seconds: float | None = Field(
        default=None, ge=1, description="in place of cron: how long from one run to the next"
    )
    since: AwareDatetime = Field(
        default=EPOCH, description="with every_seconds: a time at which it ran, with its offset"
    )
    queues: tuple[str, ...] = Field(
        default=(), description="queues that its tasks go to; left out, any of all fleets"
    )

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if (self.cron is None) == (self.every_seconds is None):
            raise ValueError("needs cron or every_seconds, one of the two")
        return self

    def around(self, now: float) -> tuple[float, float]:
        """The last time that is not after `now`, and the first one after it (Unix seconds)."""
        if self.every_seconds is None:
            return window_around(self.cron or "", self.timezone, now)
        first, every = self.since.timestamp(), self.every_seconds
        runs = floor((now - first) / every + ROUNDING)
        return first + runs * every, first + (runs + 1) * every


def _each_once(jobs: tuple[JobOptions, ...]) -> tuple[JobOptions, ...]:
    names = [job.name for job in jobs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two jobs are called {twice[0]!r}; each needs its own name")
    return jobs


class TimetableOptions(Options):
    """The jobs."""

    jobs: Annotated[tuple[JobOptions, ...], AfterValidator(_each_once)] = Field(
        min_length=1, description="what runs by the clock: name, cron, timezone, queues"
    )


class Timetable(Source[TimetableOptions]):
    """Reckons when each job was due last and will be next; asks nobody."""

    options_type = TimetableOptions

    def __init__(self, options: TimetableOptions, context: Context) -> None:
        super().__init__(options, context)
        self._jobs = {job.name: Job(job.name, self._queues(job), (), ()) for job in options.jobs}

    async def read(self, now: float) -> TimetableState:
        self._jobs = {job.name: self._by_now(job, now) for job in self.options.jobs}
        return TimetableState(now, tuple(self._jobs.values()))

    def _queues(self, job: JobOptions) -> frozenset[str]:
        return frozenset(job.queues or self.context.queues)

    def _by_now(self, job: JobOptions, now: float) -> Job:
        """The job as it was, while none of its times has come since."""
        last, _ = job.around(now)
        past = self._jobs[job.name].past
        if past[:1] != (last,):
            past = _before(job, last)
        return Job(job.name, self._queues(job), past, _due(job, now))


def _due(job: JobOptions, now: float) -> tuple[float, ...]:
    times: list[float] = []
    _, time = job.around(now)
    while time < now + AHEAD_SECONDS and len(times) < MOST_DUE:
        times.append(time)
        _, time = job.around(time)
    return tuple(times)


def _before(job: JobOptions, last: float) -> tuple[float, ...]:
    """This time and those before it, latest first; none from longer ago than is remembered."""
    times = [last]
    while len(times) < MOST_PAST:
        earlier, _ = job.around(times[-1] - 1)
        if earlier < last - PAST_SECONDS:
            break
        times.append(earlier)
    return tuple(times)

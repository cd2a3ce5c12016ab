"""Source of what runs by the clock without Airflow: jobs of Celery beat, of cron, of other systems.

It says when jobs come, not how much they bring: that is learned from what followed them before.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from autoscaler.engine.cron import (
    checked_cron_with_seconds,
    checked_timezone,
    times_between,
    window_around,
)
from autoscaler.interfaces import Context, Options, Source
from autoscaler.model import Job, TimetableState

AHEAD_SECONDS = 900.0
MOST_PAST, PAST_SECONDS = 8, 14 * 86_400.0


class JobOptions(Options):
    """One entry: when something sends tasks, and to which queues."""

    name: str = Field(min_length=1, description="what it is called")
    cron: Annotated[str, AfterValidator(checked_cron_with_seconds)] = Field(
        description="when it runs: minute hour day-of-month month day-of-week, seconds before them"
    )
    timezone: Annotated[str, AfterValidator(checked_timezone)] = Field(
        default="UTC", description="IANA name of the timezone of cron, such as Europe/Berlin"
    )
    queues: tuple[str, ...] = Field(
        default=(), description="queues that its tasks go to; left out, any of all fleets"
    )


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
        last, _ = window_around(job.cron, job.timezone, now)
        due = times_between(job.cron, job.timezone, now, now + AHEAD_SECONDS)
        past = self._jobs[job.name].past
        if past[:1] != (last,):
            past = _before(job, last)
        return Job(job.name, self._queues(job), past, due)


def _before(job: JobOptions, last: float) -> tuple[float, ...]:
    """This time and those before it, latest first; none from longer ago than is remembered."""
    times = [last]
    while len(times) < MOST_PAST:
        earlier, _ = window_around(job.cron, job.timezone, times[-1] - 1)
        if earlier < last - PAST_SECONDS:
            break
        times.append(earlier)
    return tuple(times)

"""What sends tasks by the clock, other than Airflow: when it last did, and when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoscaler.model.observation import Observation, Sample


@dataclass(frozen=True, slots=True)
class Job:
    """Something that sends tasks at known times.

    queues: those that its tasks may go to. past: when it was due last, latest first. due: when it
    is next, soonest first; of both only as many as matter. Unix seconds.
    """

    name: str
    queues: frozenset[str]
    past: tuple[float, ...]
    due: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TimetableState(Observation):
    """The jobs of a timetable, by their order in it."""

    at: float
    jobs: tuple[Job, ...]

    def samples(self) -> Iterator[Sample]:
        for job in self.jobs:
            for due in job.due[:1]:
                yield Sample("job_due_seconds", due - self.at, self.at, {"job": job.name})

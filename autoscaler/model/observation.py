"""What one poll of one system found. Times are Unix seconds by the daemon's own clock.

A value that was not read is None or absent, never 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value, as Prometheus has it; `at` is when it was true.

    window_seconds: over how long before that it was measured.
    """

    name: str
    value: float
    at: float
    labels: Mapping[str, str] = field(default_factory=dict)
    window_seconds: float = 0.0


class Observation(ABC):
    """The typed record of one poll; its samples follow from it."""

    __slots__ = ()
    at: float

    @abstractmethod
    def samples(self) -> Iterator[Sample]:
        """The record's values by name."""


@dataclass(frozen=True, slots=True)
class SampleState(Observation):
    """A system that gives named samples and nothing more, such as Prometheus.

    `unreadable` says why a sample that was asked for is not in `values`.
    """

    at: float
    values: tuple[Sample, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def samples(self) -> Iterator[Sample]:
        return iter(self.values)


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue of a broker. `unacked` and `consumers` are None where the broker cannot tell."""

    name: str
    waiting: int
    unacked: int | None = None
    consumers: int | None = None
    oldest_age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class BrokerState(Observation):
    """A broker: its queues by name, and what is delivered but not acknowledged in all of them.

    `unreadable` says why a queue that was asked for is not in `queues`, or why what is there must
    not lower anything. On Redis `unacked_tasks` counts prefetched tasks, tasks with an ETA and
    what killed workers left behind.
    """

    at: float
    queues: Mapping[str, QueueState]
    unacked_tasks: int | None = None
    oldest_unacked_age_seconds: float | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def samples(self) -> Iterator[Sample]:
        for queue in self.queues.values():
            labels = {"queue": queue.name}
            yield Sample("queue_depth", queue.waiting, self.at, labels)
            if queue.unacked is not None:
                yield Sample("unacked_tasks", queue.unacked, self.at, labels)
            if queue.consumers is not None:
                yield Sample("queue_consumers", queue.consumers, self.at, labels)
            if queue.oldest_age_seconds is not None:
                yield Sample("oldest_task_age_seconds", queue.oldest_age_seconds, self.at, labels)
        if self.unacked_tasks is not None:
            yield Sample("broker_unacked_tasks", self.unacked_tasks, self.at)
        if self.oldest_unacked_age_seconds is not None:
            yield Sample("oldest_unacked_age_seconds", self.oldest_unacked_age_seconds, self.at)


@dataclass(frozen=True, slots=True)
class ActiveTask:
    """A task that a worker runs now. Its arguments are never kept."""

    id: str
    name: str
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One Celery worker as its broker knows it. None means that it has not told us.

    heartbeat_at: when we last received a heartbeat. answered_at: when it last answered remote
    control; `active`, `reserved` and `queues` are as of then. `slots` counts real pool processes.
    idle_since: since when it has neither run nor finished a task, by all that it told; None while
    it is busy or has not told.
    """

    name: str
    heartbeat_at: float | None = None
    answered_at: float | None = None
    offline: bool = False
    queues: frozenset[str] | None = None
    slots: int | None = None
    active: tuple[ActiveTask, ...] | None = None
    reserved: int | None = None
    processed: int | None = None
    pid: int | None = None
    version: str | None = None
    idle_since: float | None = None

    @property
    def busy(self) -> int | None:
        """How many slots run a task."""
        return None if self.active is None else len(self.active)

    @property
    def empty(self) -> bool:
        """Whether it said that it runs nothing and holds nothing. Silence is not emptiness."""
        return self.active == () and self.reserved == 0

    @property
    def drained(self) -> bool:
        """Whether it also said that it takes from no queue any more."""
        return self.queues == frozenset() and self.empty

    @property
    def seen_at(self) -> float:
        """When it last gave a sign of life; 0 when it never did."""
        return max(self.heartbeat_at or 0.0, self.answered_at or 0.0)


@dataclass(frozen=True, slots=True)
class WorkersState(Observation):
    """All Celery workers of one broker, by nodename."""

    at: float
    workers: Mapping[str, WorkerState]
    duplicates: frozenset[str] = frozenset()

    def samples(self) -> Iterator[Sample]:
        """Totals only: nothing here grows with worker churn."""
        states = self.workers.values()
        yield Sample("workers", len(self.workers), self.at)
        yield Sample("worker_slots", sum(w.slots or 0 for w in states), self.at)
        yield Sample("worker_busy_slots", sum(w.busy or 0 for w in states), self.at)

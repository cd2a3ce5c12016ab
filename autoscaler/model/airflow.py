"""Airflow as its metadata database and its API server know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from autoscaler.model.dag_run import ActiveRun, DagStructure
from autoscaler.model.footprint import FinishedRun
from autoscaler.model.observation import Observation, Sample

TASK_QUEUED_TIMEOUT_SECONDS = 600.0  # what Airflow comes with
TRIGGERER_CAPACITY = 1000  # the same of [triggerer] capacity


class Blocker(StrEnum):
    """Why the scheduler would not start a task now, however many workers there were."""

    POOL = "pool"
    DAG_LIMIT = "dag_limit"
    PARALLELISM = "parallelism"


class JobKind(StrEnum):
    """What must beat for Airflow to go on, by the names of its job table."""

    SCHEDULER = "SchedulerJob"
    TRIGGERER = "TriggererJob"
    DAG_PROCESSOR = "DagProcessorJob"


HEARTBEAT_SECONDS = 30.0  # Airflow's own scheduler_health_check_threshold


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """What tasks wait for: a pool or a DAG by name; parallelism has none.

    used of limit: what is taken of it now, in slots or tasks.
    """

    blocker: Blocker
    name: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class AirflowQueue:
    """The task instances of one queue and executor, as counts.

    queued: handed to Celery and not begun. scheduled: those of running runs of DAGs that are not
    paused. admissible: scheduled, and the scheduler could queue them now. blocked: the rest of
    them, and what they wait for; its `used` includes what is admissible. hidden: work that takes
    a Celery slot and is no task instance (callbacks, connection tests). oldest_*_at: Unix seconds
    by our clock.
    """

    name: str
    executor: str = ""
    queued: int = 0
    running: int = 0
    restarting: int = 0
    scheduled: int = 0
    admissible: int = 0
    hidden: int = 0
    blocked: Mapping[Block, int] = field(default_factory=dict)
    oldest_queued_at: float | None = None
    oldest_admissible_at: float | None = None

    @property
    def for_celery(self) -> bool:
        """Whether Celery workers run its tasks; executors of one's own may have longer names."""
        return "Celery" in self.executor


@dataclass(frozen=True, slots=True)
class AirflowTask:
    """A task instance that is with the executor. `id` is its Celery task id, None until it has one.

    state: queued, running or restarting. Times are Unix seconds by our clock.
    """

    id: str | None
    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    state: str
    queue: str
    queued_at: float | None = None
    started_at: float | None = None
    heartbeat_at: float | None = None
    hostname: str = ""
    executor: str = "CeleryExecutor"


@dataclass(frozen=True, slots=True)
class AirflowPool:
    """An Airflow pool. slots None: without limit. used: slots that count against it."""

    name: str
    slots: int | None
    used: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class AirflowJob:
    """A scheduler, triggerer or DAG processor that the database calls running.

    heartbeat_at: by our clock, from its age by the database's.
    """

    kind: JobKind
    hostname: str
    heartbeat_at: float

    def alive(self, now: float) -> bool:
        """Whether its heartbeat is recent enough for Airflow."""
        return self.heartbeat_at > now - HEARTBEAT_SECONDS


@dataclass(frozen=True, slots=True)
class NextRun:
    """When the scheduler will create a DAG's next run (Unix seconds by our clock)."""

    dag_id: str
    at: float


@dataclass(frozen=True, slots=True)
class AirflowState(Observation):
    """The metadata database at one instant: demand by queue, limits, and who keeps it going.

    parallelism: tasks that all schedulers together may have with executors, None without limit.
    clock_skew_seconds: how far the database's clock is ahead of ours. triggers: how many there are
    by their queue ("" without one) and the host of the triggerer that has them ("" while no living
    one does); ("", "") is always among them once they were read. triggerer_capacity: how many of
    them one triggerer takes. parsed_at: when that DAG was parsed last which waits longest (Unix
    seconds by our clock), the slowest twentieth and those with import errors left out; None
    without any DAG. jobs: only those whose row says running, however old their heartbeat.
    read_only: the database accepts no writes, so Airflow stands still. replica_lag_seconds: how
    old its copy is; None for a primary. connections: those that the whole server has now, of the
    most that users other than its own may have; None where it does not tell.
    task_queued_timeout_seconds: after which Airflow gives up on a queued task. next_runs: of one
    DAG there may be several. runs: those that are not over. structures, finished_runs: of DAGs that
    are due or at work, and of runs that are over; each is told once, when it was read.
    """

    at: float
    version: str
    queues: Mapping[tuple[str, str], AirflowQueue] = field(default_factory=dict)
    tasks: tuple[AirflowTask, ...] = ()
    pools: Mapping[str, AirflowPool] = field(default_factory=dict)
    parallelism: int | None = None
    jobs: tuple[AirflowJob, ...] = ()
    triggers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    triggerer_capacity: int = TRIGGERER_CAPACITY
    parsed_at: float | None = None
    import_errors: int = 0
    next_runs: tuple[NextRun, ...] = ()
    clock_skew_seconds: float = 0.0
    read_only: bool = False
    replica_lag_seconds: float | None = None
    connections: int | None = None
    max_connections: int | None = None
    task_queued_timeout_seconds: float = TASK_QUEUED_TIMEOUT_SECONDS
    runs: tuple[ActiveRun, ...] = ()
    structures: tuple[DagStructure, ...] = ()
    finished_runs: tuple[FinishedRun, ...] = ()

    def samples(self) -> Iterator[Sample]:
        """Counts by queue and executor, and of the whole; nothing grows with DAGs or tasks."""
        for queue in self.queues.values():
            yield from self._of_queue(queue)
        for kind in sorted({job.kind for job in self.jobs}):
            beats = [job.heartbeat_at for job in self.jobs if job.kind == kind]
            age = max(0.0, self.at - max(beats))
            yield Sample("airflow_heartbeat_age_seconds", age, self.at, {"job": kind})
        for pool in self.pools.values():
            labels = {"pool": pool.name}
            yield Sample("airflow_pool_used_slots", pool.used, self.at, labels)
            yield Sample("airflow_pool_waiting_tasks", pool.waiting, self.at, labels)
            if pool.slots is not None:
                yield Sample("airflow_pool_slots", pool.slots, self.at, labels)
        for name, number in (
            ("airflow_database_connections", self.connections),
            ("airflow_database_max_connections", self.max_connections),
        ):
            if number is not None:
                yield Sample(name, number, self.at)
        yield Sample("airflow_import_errors", self.import_errors, self.at)
        yield from self._of_triggerers()
        if self.parsed_at is not None:
            yield Sample("airflow_parse_lag_seconds", max(0.0, self.at - self.parsed_at), self.at)

    def _of_triggerers(self) -> Iterator[Sample]:
        for (queue, triggerer), number in self.triggers.items():
            labels = {"queue": queue, "triggerer": triggerer}
            yield Sample("airflow_triggers", number, self.at, labels)
        hosts = Counter(
            job.hostname
            for job in self.jobs
            if job.kind is JobKind.TRIGGERER and job.alive(self.at)
        )
        for triggerer, jobs in hosts.items():
            capacity = jobs * self.triggerer_capacity
            labels = {"triggerer": triggerer}
            yield Sample("airflow_triggerer_capacity", capacity, self.at, labels)

    def _of_queue(self, queue: AirflowQueue) -> Iterator[Sample]:
        labels = {"queue": queue.name, "executor": queue.executor}
        counts = {
            "queued": queue.queued,
            "running": queue.running,
            "restarting": queue.restarting,
            "scheduled": queue.scheduled,
            "admissible": queue.admissible,
            "hidden": queue.hidden,
        }
        for blocker in Blocker:
            blocked = (n for block, n in queue.blocked.items() if block.blocker is blocker)
            counts[f"blocked_by_{blocker}"] = sum(blocked)
        for state, number in counts.items():
            yield Sample("airflow_tasks", number, self.at, {**labels, "state": state})
        if queue.oldest_queued_at is not None:
            age = max(0.0, self.at - queue.oldest_queued_at)
            yield Sample("airflow_oldest_queued_age_seconds", age, self.at, labels)


@dataclass(frozen=True, slots=True)
class AirflowDemand:
    """One fleet's share of it.

    waiting: tasks that a free slot would start now. running: all those that Airflow calls running,
    in whatever queue: Celery id -> `DAG.TASK`. left_alone: those that the scheduler could
    queue and does not. oldest_at: since when the first of those waiting does (Unix seconds).
    scheduler_seen_at: when the last scheduler that is called running gave a sign of life.
    task_queued_timeout_seconds: as in AirflowState.
    """

    waiting: int
    running: Mapping[str, str] = field(default_factory=dict)
    left_alone: int = 0
    blocked: Mapping[Block, int] = field(default_factory=dict)
    oldest_at: float | None = None
    scheduler_seen_at: float | None = None
    task_queued_timeout_seconds: float = TASK_QUEUED_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class ApiServerState(Observation):
    """What Airflow's API server (3.x) or webserver (2.x) says of itself.

    status: of its parts by name (metadatabase, scheduler, triggerer, dag_processor), as it words
    them; None for a part that is not deployed. latency_seconds: of the slowest call.
    execution_api: whether workers can report to it; None where the version has no such API.
    """

    at: float
    version: str
    status: Mapping[str, str | None]
    latency_seconds: float
    execution_api: bool | None = None

    def samples(self) -> Iterator[Sample]:
        yield Sample("airflow_api_latency_seconds", self.latency_seconds, self.at)
        for part, status in self.status.items():
            if status is not None:
                labels = {"component": part}
                yield Sample("airflow_healthy", float(status == "healthy"), self.at, labels)

"""A fleet: its rules as configured, and its replicas as its target and its broker know them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from autoscaler.model.observation import WorkerState


class LimitType(StrEnum):
    """What a limit counts."""

    PODS = "pods"
    PERCENT = "percent"


class Select(StrEnum):
    """Which of several limits holds: the largest change, the least, or no change at all."""

    MAX = "max"
    MIN = "min"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `value` units, or percent of the replicas, of change in any `period_seconds`."""

    type: LimitType
    value: int
    period_seconds: int


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """How fast one direction may go. `tolerance` is a ratio; None takes the default of 0.1."""

    stabilization_window_seconds: int | None = None
    select: Select = Select.MAX
    limits: tuple[Limit, ...] = ()
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Behavior:
    """How fast each direction may go, in the HPA's terms.

    learned: how long idle replicas stay beyond the window is learned (engine/idling.py).
    """

    scale_up: ScalingRules
    scale_down: ScalingRules
    learned: bool = False


@dataclass(frozen=True, slots=True)
class DrainRules:
    """How replicas leave.

    max_draining: how many at once. warn_after_seconds: when a drain is called stuck.
    max_percent_per_cycle, max_percent_per_hour: the most that one cycle may take of the present
    replicas (never less than one), and an hour of `max_replicas`.
    """

    max_draining: int = 4
    warn_after_seconds: float = 1800.0
    max_percent_per_cycle: int = 50
    max_percent_per_hour: int = 400


class QueuesFrom(StrEnum):
    """Whose word a fleet's queues are: the config's, the sources', or nobody's yet."""

    CONFIG = "config"
    SOURCES = "sources"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Budgets:
    """How much of what all workers of an Airflow share may be in use for a fleet to grow.

    None: however much is.
    """

    database_connections_percent: float | None = 90.0
    api_latency_seconds: float | None = 2.0


@dataclass(frozen=True, slots=True)
class Objective:
    """What is promised of a fleet's tasks: so large a share of them starts within so long."""

    start_within_seconds: float = 30.0
    quantile: float = 0.95


@dataclass(frozen=True, slots=True)
class Fleet:
    """Replicas that are scaled together, as configured.

    behavior None means the HPA's path for specs without one: at most doubling (or 4) a step up,
    and a downscale window of 300 s. A fleet without queues has no Celery workers to ask.
    airflow: the source that knows its demand, None where its queues do. queues_from: workers lack
    queues that were found after their start, and are told; until they are found nothing is done.
    objective: what a policy promises, None when none does; then nothing is forecast.
    """

    name: str
    queues: tuple[str, ...] = ()
    slots_per_replica: int | None = None
    min_replicas: int = 1
    max_replicas: int = 1
    behavior: Behavior | None = None
    drain: DrainRules = field(default_factory=DrainRules)
    budgets: Budgets = field(default_factory=Budgets)
    interval_seconds: float = 5.0
    airflow: str | None = None
    queues_from: QueuesFrom = QueuesFrom.CONFIG
    objective: Objective | None = None


class UnitPhase(StrEnum):
    """Where its target sees a unit in its life."""

    PENDING = "pending"
    RUNNING = "running"
    TERMINATING = "terminating"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Drain:
    """The mark on a unit that is leaving: since when, and the queues to give back on resume.

    pinned: an operator wants it gone, so that it is not resumed when demand returns.
    """

    since: float
    queues: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class ContainerRequest:
    """What one container of a unit asks for: cores and bytes, None where it does not say.

    container "" is the unit as a whole.
    """

    container: str
    cpu: float | None = None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One replica as its target knows it. `worker` is the nodename that its worker will have.

    ordinal is set where only the highest may leave (StatefulSets). ready: what its platform says,
    None where it does not tell. condition: what keeps it from working, such as unschedulable.
    spot: it may be taken away at any time. grace_seconds: how long it may take to stop.
    started_at: when its node took it up. ready_since: when `ready` last changed. requests: what its
    containers ask for; empty where its platform does not tell.
    """

    name: str
    phase: UnitPhase
    created_at: float
    worker: str = ""
    drain: Drain | None = None
    shielded: bool = False
    zone: str = ""
    ordinal: int | None = None
    ready: bool | None = None
    condition: str = ""
    node: str = ""
    spot: bool = False
    image: str = ""
    grace_seconds: float | None = None
    started_at: float | None = None
    ready_since: float | None = None
    requests: tuple[ContainerRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class Replica:
    """A unit joined with the worker in it.

    silent: no sign of life for too long. unheard: it is certain that its worker never took a task,
    for it was never heard of. expected_empty_seconds: how long its running tasks are likely to go
    on, where that is known. lingering: tasks that it was seen with, and of which Airflow says that
    they run, and its worker no longer does.
    """

    unit: Unit
    worker: WorkerState | None
    ready: bool
    silent: bool = False
    unheard: bool = False
    expected_empty_seconds: float | None = None
    lingering: int = 0

    @property
    def name(self) -> str:
        return self.unit.name

    @property
    def draining(self) -> bool:
        """Whether it is marked to leave, and still here."""
        return self.unit.drain is not None and not self.terminating

    @property
    def terminating(self) -> bool:
        """Whether it was told to stop: no capacity any more, though its tasks may still run."""
        return self.unit.phase is UnitPhase.TERMINATING

    @property
    def serving(self) -> bool:
        """Whether it counts as one of the replicas that the fleet has or will have."""
        return self.unit.drain is None and self.unit.phase in (
            UnitPhase.PENDING,
            UnitPhase.RUNNING,
        )

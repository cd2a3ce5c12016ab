"""What the API answers, as JSON has it. Times are RFC 3339 in UTC; what is not known is null."""

from __future__ import annotations

from typing_extensions import TypedDict

from autoscaler.telemetry.documents import DecisionDocument, OverrideDocument


class TaskDocument(TypedDict):
    """A task that a worker runs. Its arguments are never read."""

    id: str
    name: str
    running_seconds: float | None


class ReplicaDocument(TypedDict):
    """A unit and the worker in it; `tasks` are told of draining ones only."""

    name: str
    phase: str
    created_at: str
    ready: bool
    silent: bool
    shielded: bool
    zone: str
    draining_since: str | None
    worker: str | None
    slots: int | None
    busy: int | None
    reserved: int | None
    queues: list[str] | None
    tasks: list[TaskDocument]


class QueueDocument(TypedDict):
    """A queue as the broker counts it."""

    name: str
    waiting: int | None
    unacked: int | None
    consumers: int | None
    oldest_age_seconds: float | None


class StartUpDocument(TypedDict):
    """How long half, and nine of ten, of the last `starts` units took until they took tasks."""

    p50_seconds: float
    p90_seconds: float
    starts: int


class FleetDocument(TypedDict):
    """A fleet in one line: how many, why, and how much there is to do.

    `current`, `ready` and `draining` are null while the target cannot be read. `trend` is the
    demand in tasks at the last ticks; `start_up` is null until a start was timed.
    """

    name: str
    desired: int
    current: int | None
    ready: int | None
    draining: int | None
    min_replicas: int
    max_replicas: int
    reason: str
    message: str
    result: str
    verdict: str | None
    verdict_message: str | None
    waiting_tasks: float | None
    running_tasks: float | None
    utilization: float | None
    oldest_task_age_seconds: float | None
    trend: list[float | None]
    start_up: StartUpDocument | None
    override: OverrideDocument | None
    missing: dict[str, str]


class FleetsDocument(TypedDict):
    """Every fleet at the last tick, which began `age_seconds` ago.

    `known_dags`: of how many DAGs was learned which slots a run uses, by source.
    """

    at: str
    age_seconds: float
    leader: bool
    known_dags: dict[str, int]
    fleets: list[FleetDocument]


class FleetDetailDocument(TypedDict):
    """All that is known of one fleet."""

    at: str
    age_seconds: float
    leader: bool
    fleet: FleetDocument
    decision: DecisionDocument
    replicas: list[ReplicaDocument]
    queues: list[QueueDocument]


class DecisionsDocument(TypedDict):
    """A fleet's decisions that differ from the ones before, newest first.

    `next_before` goes into `before` for the next page; null when there are no more.
    """

    fleet: str
    decisions: list[DecisionDocument]
    next_before: str | None


class SourceDocument(TypedDict):
    """A source or target: whether it was read at the last tick, and if not, why."""

    name: str
    up: bool
    age_seconds: float | None
    why: str


class FindingDocument(TypedDict):
    """What a check found unhealthy, and what to do."""

    check: str
    severity: str
    summary: str
    labels: dict[str, str]
    evidence: dict[str, str]
    remedy: str


class HealthDocument(TypedDict):
    """`status` is healthy, degraded or unhealthy: the worst that was found."""

    status: str
    at: str
    age_seconds: float
    leader: bool
    sources: list[SourceDocument]
    findings: list[FindingDocument]


class AlertDocument(TypedDict):
    """A finding through time."""

    finding: FindingDocument
    state: str
    active_since: str
    fired_at: str | None
    resolved_at: str | None


class AlertsDocument(TypedDict):
    """Every alert that is pending, firing or just resolved."""

    at: str
    age_seconds: float
    alerts: list[AlertDocument]


class SizingDocument(TypedDict):
    """What one container should ask for, and what that rests on.

    `sure` is false until a day was measured. `busy` slots of `slots` ran a task at the peak;
    `concurrency` is how many fit into the memory that was asked about.
    """

    container: str
    request_cores: float
    memory_bytes: int
    used_cores: float
    peak_bytes: float
    busy: int
    idle_bytes: float
    task_bytes: float | None
    full_bytes: float
    slots: int | None
    measured_seconds: float
    sure: bool
    concurrency: int | None


class RightSizeDocument(TypedDict):
    """What a fleet's containers should ask for; `patch` is a strategic merge patch of a workload.

    `patch` is null while nothing is known.
    """

    fleet: str
    at: str
    containers: list[SizingDocument]
    patch: dict[str, object] | None


class LifeDocument(TypedDict):
    """The process answers."""

    status: str
    version: str


class ReadinessDocument(TypedDict):
    """Whether the daemon does its work; if not, `reasons` say why."""

    ready: bool
    reasons: list[str]


class OverriddenDocument(TypedDict):
    """What is in force after a change, and what was before it."""

    fleet: str
    override: OverrideDocument | None
    before: OverrideDocument | None
    message: str


class DrainedDocument(TypedDict):
    """What came of asking one unit to leave."""

    fleet: str
    unit: str
    result: str
    message: str

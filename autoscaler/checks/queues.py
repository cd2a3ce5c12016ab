"""Checks of queues: somebody consumes them, and their tasks do not wait for too long."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from autoscaler.engine.wording import count, span
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import (
    Finding,
    FleetTick,
    QueueState,
    Severity,
    Snapshot,
    Tick,
    Unchecked,
    UnitPhase,
)

LIVE_SECONDS = 30.0


class QueueWithoutConsumersOptions(CheckOptions):
    """Options of queue_without_consumers."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")
    for_seconds: float = Field(
        default=60, ge=0, description="How long a finding lasts before it fires"
    )
    starting_seconds: float = Field(
        default=300, gt=0, description="How long a new unit may take until its worker consumes"
    )


class QueueWithoutConsumers(Check[QueueWithoutConsumersOptions]):
    """Tasks wait in a queue that no live worker consumes, and none is on its way.

    While nothing may be scaled, because of an outage that is told of itself, it is not judged.
    """

    options_type = QueueWithoutConsumersOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from _unread_queues(self.context.name, tick)
        for name, queue in sorted(tick.snapshot.queues.items()):
            consumed = _consumed(queue, tick.snapshot)
            if queue.waiting == 0 or consumed or self._excused(name, tick):
                continue
            reason = _outage(name, tick)
            if consumed is None:
                reason = "it is not known what the live workers consume"
            if reason:
                yield Unchecked(self.context.name, reason, {"queue": name})
            else:
                yield self._finding(queue, tick)

    def _excused(self, queue: str, tick: Tick) -> bool:
        """Whether a worker is on its way, or every policy says that none is needed yet."""
        fleets = _fleets_of(queue, tick)
        oldest = tick.snapshot.now - self.options.starting_seconds
        starting = any(
            replica.serving and not replica.ready and replica.unit.created_at > oldest
            for fleet in fleets
            for replica in fleet.snapshot.replicas
        )
        asked = [one.replicas for fleet in fleets for one in fleet.decision.recommendations]
        return starting or (bool(asked) and all(replicas == 0 for replicas in asked))

    def _finding(self, queue: QueueState, tick: Tick) -> Finding:
        fleets = _fleets_of(queue.name, tick)
        names = ", ".join(fleet.decision.fleet for fleet in fleets)
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=f"Nobody consumes {queue.name}: {count(queue.waiting, 'task')} waiting.",
            labels={"queue": queue.name},
            evidence={
                "waiting": str(queue.waiting),
                "consumers": "0",
                "fleets": names or "none",
                "desired_replicas": str(sum(fleet.decision.desired for fleet in fleets)),
                "running_units": str(sum(map(_running_units, fleets))),
            },
            remedy=(
                "See why the fleet's workers do not start or do not consume (`autoscaler explain`, "
                "the workers' log; `celery control add_consumer` gives a queue back)."
                if fleets
                else "Add the queue to a fleet, or see whether its name is misspelt by who sends."
            ),
        )


class OldestTaskTooOldOptions(CheckOptions):
    """Options of oldest_task_too_old."""

    age_seconds: float = Field(
        default=300,
        gt=0,
        description="Age that is too old; Airflow fails a task after 600 s in the queue",
    )


class OldestTaskTooOld(Check[OldestTaskTooOldOptions]):
    """The oldest task of a queue has waited for too long."""

    options_type = OldestTaskTooOldOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from _unread_queues(self.context.name, tick)
        for name, queue in sorted(tick.snapshot.queues.items()):
            age = queue.oldest_age_seconds
            if queue.waiting and age is None:
                reason = "the broker does not tell how old its tasks are"
                yield Unchecked(self.context.name, reason, {"queue": name})
            elif queue.waiting and age is not None and age > self.options.age_seconds:
                yield self._finding(queue, age)

    def _finding(self, queue: QueueState, age: float) -> Finding:
        allowed = span(self.options.age_seconds)
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=f"The oldest task of {queue.name} has waited {span(age)}, more than {allowed}.",
            labels={"queue": queue.name},
            evidence={
                "oldest_age_seconds": f"{age:.0f}",
                "allowed_seconds": f"{self.options.age_seconds:g}",
                "waiting": str(queue.waiting),
            },
            remedy=(
                "See what keeps the fleet from growing (`autoscaler explain`): its maximum, a rate "
                "limit, missing data, or workers that are there and do not take tasks."
            ),
        )


def _consumed(queue: QueueState, snapshot: Snapshot) -> bool | None:
    """Whether a live consumer is there; None when nobody can tell."""
    if queue.consumers is not None:
        return queue.consumers > 0
    if not snapshot.worker_sources or snapshot.worker_sources & snapshot.missing.keys():
        return None
    oldest = snapshot.now - LIVE_SECONDS
    live = [w for w in snapshot.workers.values() if not w.offline and w.seen_at > oldest]
    if any(worker.queues is not None and queue.name in worker.queues for worker in live):
        return True
    return None if any(worker.queues is None for worker in live) else False


def _unread_queues(check: str, tick: Tick) -> Iterator[Unchecked]:
    if not tick.snapshot.brokers:
        yield Unchecked(check, "no broker could be read")
    for fleet in tick.fleets.values():
        for queue in fleet.snapshot.fleet.queues:
            if queue not in tick.snapshot.queues:
                yield Unchecked(check, "the queue was not read", {"queue": queue})


def _outage(queue: str, tick: Tick) -> str:
    """What is down that keeps a queue's fleets from being scaled; empty when nothing is."""
    blockages = [fleet.snapshot.blockage for fleet in _fleets_of(queue, tick)]
    found = (one.message for one in blockages if one is not None and one.bottleneck.is_outage)
    return next(found, "")


def _fleets_of(queue: str, tick: Tick) -> list[FleetTick]:
    return [fleet for fleet in tick.fleets.values() if queue in fleet.snapshot.fleet.queues]


def _running_units(fleet: FleetTick) -> int:
    return sum(one.unit.phase is UnitPhase.RUNNING for one in fleet.snapshot.replicas)

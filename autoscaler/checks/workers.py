"""Checks of workers: those that are there give signs of life, and take the tasks that wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from autoscaler.engine.wording import count, span
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import Finding, FleetSnapshot, Replica, Severity, Tick, Unchecked, UnitPhase

MOST_NAMED = 10


class WorkerSilentOptions(CheckOptions):
    """Options of worker_silent."""

    for_seconds: float = Field(
        default=60, ge=0, description="How long a finding lasts before it fires"
    )
    starting_seconds: float = Field(
        default=120, gt=0, description="How long a new unit may take until its worker is heard"
    )


class WorkerSilent(Check[WorkerSilentOptions]):
    """Units run, but their workers give no sign of life or were never heard of."""

    options_type = WorkerSilentOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for snapshot in _fleets_of_workers(tick):
            if blind := _blind(snapshot):
                yield Unchecked(self.context.name, blind, {"fleet": snapshot.fleet.name})
                continue
            silent = {r.name: why for r in snapshot.replicas if (why := self._why(r, snapshot.now))}
            if silent:
                yield self._finding(snapshot, silent)

    def _why(self, replica: Replica, now: float) -> str:
        """What the silence looks like; empty when there is none. A stopping worker is silent."""
        if replica.unit.phase is not UnitPhase.RUNNING:
            return ""
        worker, age = replica.worker, now - replica.unit.created_at
        if worker is None:
            starting = age <= self.options.starting_seconds
            return "" if starting else f"its worker was never heard of in {span(age)}"
        if worker.offline:
            return "its worker said that it stops, and the unit still runs"
        if replica.silent:
            return f"last sign of life {span(now - worker.seen_at)} ago"
        return ""

    def _finding(self, snapshot: FleetSnapshot, silent: dict[str, str]) -> Finding:
        fleet = snapshot.fleet.name
        running = count(sum(_runs(replica) for replica in snapshot.replicas), "running unit")
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=f"{len(silent)} of {running} of fleet {fleet} without a sign of life.",
            labels={"fleet": fleet},
            evidence=dict(sorted(silent.items())[:MOST_NAMED]),
            remedy=(
                "Look at the worker's process and log, and at its way to the broker. A silent "
                "worker may still run tasks: it is not removed before it is known to be empty."
            ),
        )


class WorkerCatatonicOptions(CheckOptions):
    """Options of worker_catatonic."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")
    idle_seconds: float = Field(
        default=120, gt=0, description="How long a worker has to run nothing to be suspected"
    )


class WorkerCatatonic(Check[WorkerCatatonicOptions]):
    """Workers are alive and free, and take none of the tasks that wait.

    After a broker's failover a Celery worker can answer, send heartbeats and consume nothing.
    """

    options_type = WorkerCatatonicOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for snapshot in _fleets_of_workers(tick):
            if blind := _blind(snapshot):
                yield Unchecked(self.context.name, blind, {"fleet": snapshot.fleet.name})
                continue
            waiting = {name: tick.snapshot.queues[name].waiting for name in snapshot.fleet.queues}
            stuck = {
                replica.name: why
                for replica in snapshot.replicas
                if (why := self._why(replica, snapshot, waiting))
            }
            if stuck:
                yield self._finding(snapshot, stuck, sum(waiting.values()))

    def _why(self, replica: Replica, snapshot: FleetSnapshot, waiting: dict[str, int]) -> str:
        """What it fails to do; empty when it does its work, or when nothing is known."""
        worker = replica.worker
        if worker is None or not _runs(replica) or not replica.serving or replica.silent:
            return ""
        if worker.busy != 0 or worker.queues is None or worker.idle_since is None:
            return ""
        idle = snapshot.now - worker.idle_since
        if idle < self.options.idle_seconds:
            return ""
        consumed = worker.queues.intersection(snapshot.fleet.queues)
        left = sum(waiting[name] for name in consumed)
        if not consumed:
            return f"consumes no queue of its fleet, idle for {span(idle)}"
        if worker.reserved:
            return f"holds {count(worker.reserved, 'task')} and runs none for {span(idle)}"
        return f"idle for {span(idle)} while {count(left, 'task')} wait" if left else ""

    def _finding(self, snapshot: FleetSnapshot, stuck: dict[str, str], waiting: int) -> Finding:
        fleet = snapshot.fleet.name
        workers = count(len(stuck), "worker")
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=(
                f"{workers} of fleet {fleet} alive but taking no task, "
                f"with {count(waiting, 'task')} waiting."
            ),
            labels={"fleet": fleet},
            evidence={"waiting": str(waiting), **dict(sorted(stuck.items())[:MOST_NAMED])},
            remedy=(
                "Give the queues back first (`celery control add_consumer QUEUE -d WORKER`); if "
                "the worker still takes nothing, drain it and restart it, a few at a time."
            ),
        )


def _fleets_of_workers(tick: Tick) -> Iterable[FleetSnapshot]:
    snapshots = (fleet.snapshot for fleet in tick.fleets.values())
    return (snapshot for snapshot in snapshots if snapshot.fleet.queues)


def _blind(snapshot: FleetSnapshot) -> str:
    """Why the fleet cannot be judged: with its broker or target away, all workers look silent."""
    faults = [f"{k}: {why}" for k, why in snapshot.missing.items() if not k.startswith("worker/")]
    return "; ".join(sorted(faults))


def _runs(replica: Replica) -> bool:
    return replica.unit.phase is UnitPhase.RUNNING

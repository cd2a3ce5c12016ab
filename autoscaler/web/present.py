"""From the records of a tick to what the API answers. Pure."""

from __future__ import annotations

from autoscaler.engine.verdict import verdict
from autoscaler.model import (
    Alert,
    Finding,
    FleetTick,
    QueueState,
    Replica,
    Severity,
    StartUp,
    Tick,
)
from autoscaler.telemetry.recent import Recent
from autoscaler.telemetry.record import iso_time, iso_time_if_any, override_document
from autoscaler.web.documents import (
    AlertDocument,
    FindingDocument,
    FleetDocument,
    QueueDocument,
    ReplicaDocument,
    SourceDocument,
    StartUpDocument,
    TaskDocument,
)


def fleet_document(tick: FleetTick, trend: list[float | None]) -> FleetDocument:
    """A fleet in one line."""
    snapshot, decision = tick.snapshot, tick.decision
    fleet = snapshot.fleet
    known = f"target/{fleet.name}" not in snapshot.missing
    found = verdict(tick)
    return {
        "name": fleet.name,
        "desired": decision.desired,
        "current": snapshot.current if known else None,
        "ready": snapshot.ready if known else None,
        "draining": snapshot.draining if known else None,
        "min_replicas": fleet.min_replicas,
        "max_replicas": fleet.max_replicas,
        "reason": decision.reason,
        "message": decision.message,
        "result": tick.result,
        "verdict": found.bottleneck if found else None,
        "verdict_message": found.message if found else None,
        "waiting_tasks": _sample(tick, "waiting_tasks"),
        "running_tasks": _sample(tick, "running_tasks"),
        "utilization": _sample(tick, "utilization"),
        "oldest_task_age_seconds": _sample(tick, "oldest_task_age_seconds"),
        "trend": trend,
        "start_up": _start_up(snapshot.start_up),
        "override": override_document(tick.override) if tick.override else None,
        "missing": dict(snapshot.missing),
    }


def replica_document(replica: Replica, now: float) -> ReplicaDocument:
    """A unit and its worker; the tasks of a draining one, because they are what it waits for."""
    unit, worker = replica.unit, replica.worker
    return {
        "name": unit.name,
        "phase": unit.phase,
        "created_at": iso_time(unit.created_at),
        "ready": replica.ready,
        "silent": replica.silent,
        "shielded": unit.shielded,
        "zone": unit.zone,
        "draining_since": iso_time_if_any(unit.drain.since if unit.drain else None),
        "worker": worker.name if worker else None,
        "slots": worker.slots if worker else None,
        "busy": worker.busy if worker else None,
        "reserved": worker.reserved if worker else None,
        "queues": sorted(worker.queues) if worker and worker.queues is not None else None,
        "tasks": _tasks(replica, now) if replica.draining else [],
    }


def queue_document(name: str, queue: QueueState | None) -> QueueDocument:
    """A queue; all null when the broker could not tell."""
    return {
        "name": name,
        "waiting": queue.waiting if queue else None,
        "unacked": queue.unacked if queue else None,
        "consumers": queue.consumers if queue else None,
        "oldest_age_seconds": queue.oldest_age_seconds if queue else None,
    }


def source_documents(tick: Tick, recent: Recent) -> list[SourceDocument]:
    """Every source, and whatever else could not be read."""
    missing = tick.snapshot.missing
    return [
        {
            "name": name,
            "up": name not in missing,
            "age_seconds": _age(recent.read_at.get(name), tick.snapshot.now),
            "why": missing.get(name, ""),
        }
        for name in sorted({*tick.snapshot.observations, *missing})
    ]


def health_status(tick: Tick) -> str:
    """The worst that was found: unhealthy, degraded or healthy."""
    severities = {finding.severity for finding in tick.findings}
    if Severity.CRITICAL in severities or tick.bugs:
        return "unhealthy"
    return "degraded" if Severity.WARNING in severities or tick.snapshot.missing else "healthy"


def finding_document(finding: Finding) -> FindingDocument:
    """What a check found."""
    return {
        "check": finding.check,
        "severity": finding.severity,
        "summary": finding.summary,
        "labels": dict(finding.labels),
        "evidence": dict(finding.evidence),
        "remedy": finding.remedy,
    }


def alert_document(alert: Alert) -> AlertDocument:
    """A finding through time."""
    return {
        "finding": finding_document(alert.finding),
        "state": alert.state,
        "active_since": iso_time(alert.active_since),
        "fired_at": iso_time_if_any(alert.fired_at),
        "resolved_at": iso_time_if_any(alert.resolved_at),
    }


def _start_up(known: StartUp | None) -> StartUpDocument | None:
    if known is None:
        return None
    return {
        "p50_seconds": round(known.p50_seconds, 3),
        "p90_seconds": round(known.p90_seconds, 3),
        "starts": known.starts,
    }


def _tasks(replica: Replica, now: float) -> list[TaskDocument]:
    tasks = (replica.worker.active or ()) if replica.worker else ()
    return [
        {"id": task.id, "name": task.name, "running_seconds": _age(task.started_at, now)}
        for task in tasks
    ]


def _sample(tick: FleetTick, name: str) -> float | None:
    return next((sample.value for sample in tick.snapshot.samples.named(name)), None)


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else round(max(0.0, now - at), 3)

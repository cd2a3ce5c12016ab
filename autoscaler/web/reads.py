"""What may be asked: answered from the last tick and the journal, changing nothing."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import hdrs, web

from autoscaler import __version__
from autoscaler.secret import redact
from autoscaler.telemetry.documents import DecisionDocument
from autoscaler.telemetry.record import DecisionRecord, iso_time
from autoscaler.web.backend import Backend
from autoscaler.web.documents import (
    AlertsDocument,
    DecisionsDocument,
    FleetDetailDocument,
    FleetsDocument,
    HealthDocument,
    LifeDocument,
    ReadinessDocument,
    RightSizeDocument,
)
from autoscaler.web.present import (
    alert_document,
    finding_document,
    fleet_document,
    health_status,
    queue_document,
    replica_document,
    source_documents,
)
from autoscaler.web.problems import Problem
from autoscaler.web.requests import bytes_of, limit_of, time_of
from autoscaler.web.sizing import merge_patch, sizing_document

LATE_INTERVALS = 3


async def live(_: Backend, __: web.Request) -> LifeDocument:
    """Whether the process answers."""
    return {"status": "alive", "version": __version__}


async def ready(backend: Backend, _: web.Request) -> web.Response:
    """Whether every source was read once, and the last tick is not older than 3 intervals."""
    reasons = [redact(reason) for reason in _why_not_ready(backend)]
    document: ReadinessDocument = {"ready": not reasons, "reasons": reasons}
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return web.json_response(document, status=status)


async def metrics(backend: Backend, request: web.Request) -> web.Response:
    """The metrics, for Prometheus."""
    accept = request.headers.get(hdrs.ACCEPT, "")
    body, content_type = await asyncio.to_thread(backend.metrics.render, accept)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


async def fleets(backend: Backend, _: web.Request) -> FleetsDocument:
    """Every fleet in one line: how many, why, and how much there is to do."""
    tick, recent = backend.tick(), backend.recent
    return {
        "at": iso_time(tick.snapshot.now),
        "age_seconds": backend.age_seconds(),
        "leader": tick.leader,
        "known_dags": dict(tick.known_dags),
        "fleets": [fleet_document(f, recent.trend(name)) for name, f in tick.fleets.items()],
    }


async def fleet(backend: Backend, request: web.Request) -> FleetDetailDocument:
    """One fleet: its decision, its replicas, its queues."""
    name = request.match_info["name"]
    made, tick = backend.fleet(name), backend.tick()
    queues, now = tick.snapshot.queues, tick.snapshot.now
    return {
        "at": iso_time(now),
        "age_seconds": backend.age_seconds(),
        "leader": tick.leader,
        "fleet": fleet_document(made, backend.recent.trend(name)),
        "decision": DecisionRecord.of(made).document(),
        "replicas": [replica_document(replica, now) for replica in made.snapshot.replicas],
        "queues": [queue_document(q, queues.get(q)) for q in made.snapshot.fleet.queues],
    }


async def decisions(backend: Backend, request: web.Request) -> DecisionsDocument:
    """A fleet's decisions, newest first: from memory, then from the journal."""
    name = request.match_info["name"]
    backend.fleet(name)
    limit, before = limit_of(request), time_of(request, "before")
    records = backend.recent.decisions(name, limit, before)
    found = [record.document() for record in records]
    if len(found) < limit and backend.journal is not None:
        oldest = records[-1].decision.at if records else before
        found += await backend.journal.decisions(name, limit - len(found), oldest)
    return {
        "fleet": name,
        "decisions": found,
        "next_before": found[-1]["at"] if len(found) == limit else None,
    }


async def explain(backend: Backend, request: web.Request) -> DecisionDocument:
    """Why this number, why not more, why not fewer: now, or as it was at a time."""
    name = request.match_info["name"]
    made, at = backend.fleet(name), time_of(request, "at")
    if at is None:
        return DecisionRecord.of(made).document()
    record = backend.recent.decision_at(name, at)
    if record is not None:
        return record.document()
    kept = await backend.journal.decision_at(name, at) if backend.journal is not None else None
    if kept is None:
        detail = f"no decision of {name!r} is known for {iso_time(at)}"
        raise Problem(HTTPStatus.NOT_FOUND, detail, hint=f"see /api/v1/fleets/{name}/decisions")
    return kept


async def right_size(backend: Backend, request: web.Request) -> RightSizeDocument:
    """What the containers of a fleet's pods should ask for, by what they were seen to use."""
    name, memory = request.match_info["name"], bytes_of(request, "memory")
    made = backend.fleet(name)
    return {
        "fleet": name,
        "at": iso_time(made.snapshot.now),
        "containers": [sizing_document(one, memory) for one in made.sizings],
        "patch": merge_patch(made.sizings),
    }


async def health(backend: Backend, _: web.Request) -> HealthDocument:
    """What is unhealthy now, how badly, and what to do."""
    tick = backend.tick()
    return {
        "status": health_status(tick),
        "at": iso_time(tick.snapshot.now),
        "age_seconds": backend.age_seconds(),
        "leader": tick.leader,
        "sources": source_documents(tick, backend.recent),
        "findings": [finding_document(finding) for finding in tick.findings],
    }


async def alerts(backend: Backend, _: web.Request) -> AlertsDocument:
    """Every alert that is pending, firing or just resolved."""
    tick = backend.tick()
    return {
        "at": iso_time(tick.snapshot.now),
        "age_seconds": backend.age_seconds(),
        "alerts": [alert_document(alert) for alert in tick.alerts],
    }


def _why_not_ready(backend: Backend) -> list[str]:
    tick, recent = backend.recent.tick, backend.recent
    if tick is None:
        return ["the first tick is not over"]
    reasons = [
        f"{name} was never read: {why}"
        for name, why in tick.snapshot.missing.items()
        if "/" not in name and name not in recent.read_at
    ]
    age, most = backend.age_seconds(), LATE_INTERVALS * backend.interval_seconds
    if age > most:
        reasons.append(f"the last tick began {age:.0f} s ago, which is over {most:g} s")
    return reasons

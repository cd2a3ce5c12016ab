"""What may be changed, with the token: overrides and drains. Each is logged with its actor."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from aiohttp import web

from autoscaler.engine.wording import clock_time
from autoscaler.errors import StateError, TargetError
from autoscaler.model import Override, Result
from autoscaler.secret import redact
from autoscaler.telemetry.record import override_document
from autoscaler.web.backend import Backend
from autoscaler.web.documents import DrainedDocument, OverriddenDocument
from autoscaler.web.problems import Problem
from autoscaler.web.requests import Change, DrainUnit, Pause, Resume, Scale, read_body


async def pause(backend: Backend, request: web.Request) -> OverriddenDocument:
    """Go on deciding, but carry nothing out, until it expires or is resumed."""
    asked = await read_body(request, Pause)
    return _override(backend, request, asked, None)


async def scale(backend: Backend, request: web.Request) -> OverriddenDocument:
    """Hold this many replicas until it expires or is resumed."""
    asked = await read_body(request, Scale)
    fleet = backend.fleet(request.match_info["name"]).snapshot.fleet
    if not fleet.min_replicas <= asked.replicas <= fleet.max_replicas:
        wanted = f"from {fleet.min_replicas} to {fleet.max_replicas}"
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{fleet.name} has {wanted} replicas, so it cannot be scaled to {asked.replicas}",
            hint="change min_replicas or max_replicas in the config",
            errors=[{"field": "replicas", "detail": f"must be {wanted}"}],
        )
    return _override(backend, request, asked, asked.replicas)


async def resume(backend: Backend, request: web.Request) -> OverriddenDocument:
    """End the pause or the held number; the policies decide again."""
    asked = await read_body(request, Resume)
    name = request.match_info["name"]
    backend.fleet(name)
    try:
        ended = backend.overrides.clear(name, backend.now())
    except StateError as error:
        raise _not_kept(error) from error
    before = override_document(ended) if ended else None
    _audit(request, "resume", asked, before=before, after=None)
    backend.wake("resume")
    return {
        "fleet": name,
        "override": None,
        "before": before,
        "message": f"{name} follows its policies" + ("" if ended else ", as it did before"),
    }


async def drain(backend: Backend, request: web.Request) -> DrainedDocument:
    """Let one unit finish its tasks and leave."""
    asked = await read_body(request, DrainUnit)
    name = request.match_info["name"]
    units = [replica.name for replica in backend.fleet(name).snapshot.replicas]
    if asked.unit not in units:
        hint = f"there are: {', '.join(units) or 'none'}"
        detail = f"{name} has no unit {asked.unit!r}"
        raise Problem(HTTPStatus.NOT_FOUND, detail, hint=hint)
    if backend.drain is None:
        raise Problem(
            HTTPStatus.NOT_IMPLEMENTED,
            "this daemon cannot drain a unit of your choice",
            hint=f"scale {name} down: it drains those that can best be spared",
        )
    try:
        outcome = await backend.drain(name, asked.unit, f"{asked.actor}: {asked.reason}")
    except TargetError as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from error
    _audit(request, "drain", asked, unit=asked.unit, result=outcome.result.value)
    if outcome.result not in (Result.APPLIED, Result.WAITING):
        raise Problem(HTTPStatus.CONFLICT, f"{outcome.result}: {outcome.message}".rstrip(": "))
    backend.wake("drain")
    return {
        "fleet": name,
        "unit": asked.unit,
        "result": outcome.result,
        "message": outcome.message or f"{asked.unit} takes no new tasks, and leaves when empty",
    }


def _override(
    backend: Backend, request: web.Request, asked: Pause, replicas: int | None
) -> OverriddenDocument:
    now, name = backend.now(), request.match_info["name"]
    backend.fleet(name)
    lasts = asked.expires_in_seconds
    expires_at = None if lasts is None else now + lasts
    reason, actor = redact(asked.reason), redact(asked.actor)
    override = Override(name, reason, actor, now, expires_at, replicas)
    present = backend.overrides.active(name, now)
    try:
        backend.overrides.set(override)
    except StateError as error:
        raise _not_kept(error) from error
    action = "pause" if replicas is None else "scale"
    before = override_document(present) if present else None
    after = override_document(override)
    _audit(request, action, asked, before=before, after=after)
    backend.wake(action)
    done = "paused" if replicas is None else f"held at {replicas}"
    until = "until resumed" if expires_at is None else f"until {clock_time(expires_at)}"
    return {
        "fleet": name,
        "override": after,
        "before": before,
        "message": f"{name} is {done} {until}",
    }


def _audit(request: web.Request, action: str, asked: Change, **facts: object) -> None:
    structlog.get_logger().info(
        "changed by an operator",
        action=action,
        fleet=request.match_info["name"],
        actor=asked.actor,
        reason=asked.reason,
        remote=request.remote,
        **facts,
    )


def _not_kept(error: StateError) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the change could not be kept: {error}")

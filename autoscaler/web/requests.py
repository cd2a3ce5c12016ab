"""What the API accepts: bodies and parameters, checked before anything is done."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autoscaler.web.problems import Problem

MOST_SECONDS = 30 * 86_400
DEFAULT_SECONDS = 3600.0
DEFAULT_LIMIT = 50
MOST_DIGITS = 18
MOST_DECISIONS = 500


class Change(BaseModel):
    """What every change says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=1, max_length=500, description="why, for those who find it")
    actor: str = Field(default="api", min_length=1, max_length=100, description="who asks for it")


class Pause(Change):
    """Decide, but carry nothing out."""

    expires_in_seconds: float | None = Field(
        default=DEFAULT_SECONDS,
        gt=0,
        le=MOST_SECONDS,
        description="when it ends by itself; null: only when it is resumed",
    )


class Scale(Pause):
    """Hold this many replicas, whatever the policies ask for."""

    replicas: int = Field(ge=0, description="within min_replicas and max_replicas")


class Resume(Change):
    """Give the fleet back to its policies."""

    reason: str = Field(default="", max_length=500, description="why, for those who find it")


class DrainUnit(Change):
    """Let one unit finish its tasks and leave."""

    unit: str = Field(min_length=1, max_length=253, description="name of the unit")


B = TypeVar("B", bound=BaseModel)


async def read_body(request: web.Request, model: type[B]) -> B:
    """The JSON body. Raises Problem 400, 413, 415 or 422, naming every field that is wrong."""
    if request.content_type != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        if any(fault["type"] == "json_invalid" for fault in faults):
            raise Problem(HTTPStatus.BAD_REQUEST, f"no JSON: {faults[0]['msg']}") from error
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "some fields are wrong",
            errors=[
                {"field": ".".join(map(str, fault["loc"])) or "body", "detail": fault["msg"]}
                for fault in faults
            ],
        ) from error


def limit_of(request: web.Request) -> int:
    """The `limit` parameter. Raises Problem 400."""
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_DECISIONS:
        raise _wrong("limit", f"a number from 1 to {MOST_DECISIONS}", text)
    return int(text)


def bytes_of(request: web.Request, name: str) -> int | None:
    """A parameter that is a number of bytes. Raises Problem 400."""
    text = request.query.get(name)
    if text is None:
        return None
    digits = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    if not digits or int(text) == 0:
        raise _wrong(name, "a number of bytes", text)
    return int(text)


def time_of(request: web.Request, name: str) -> float | None:
    """A parameter that is a time, in Unix seconds. Raises Problem 400."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        at = float(text)
    except ValueError:
        at = _rfc3339(text)
    if not math.isfinite(at) or not 0 <= at < 1e11:
        raise _wrong(name, "a time such as 2026-11-22T14:03:20Z, or Unix seconds", text)
    return at


def _rfc3339(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a `+` that was not escaped
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _wrong(name: str, wanted: str, got: str) -> Problem:
    detail = f"{name} must be {wanted}, not {got[:50]!r}"
    return Problem(
        HTTPStatus.BAD_REQUEST, detail, errors=[{"field": name, "detail": f"must be {wanted}"}]
    )

"""What goes wrong at the API server, as errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autoscaler.clients.kubernetes.resource import Request
from autoscaler.errors import AutoscalerError

MOST_SHOWN = 300


class ApiError(AutoscalerError):
    """The API server refused, or gave nothing that can be trusted. status 0: no answer at all."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Forbidden(ApiError):  # noqa: N818 - these five name HTTP statuses that operators know
    """403: a rule of RBAC is missing."""


class NotFound(ApiError):  # noqa: N818
    """404: there is no such object, or the cluster does not know its kind."""


class Conflict(ApiError):  # noqa: N818
    """409: the object changed since it was read, so that nothing was written."""


class Gone(ApiError):  # noqa: N818
    """410: the resourceVersion has expired; list anew."""


class Throttled(ApiError):  # noqa: N818
    """429, or a server that asks to be left alone. retry_after_seconds: for how long."""

    def __init__(self, message: str, status: int, retry_after_seconds: float) -> None:
        super().__init__(message, status)
        self.retry_after_seconds = retry_after_seconds


def fault_of(status: int, body: bytes, request: Request, retry_after: str | None) -> ApiError:
    """The error for an answer that is not a success."""
    said = _said(body)
    seconds = _seconds(retry_after)
    if status == 429 or (seconds is not None and status >= 500):
        wait = 1.0 if seconds is None else seconds
        message = f"{request}: the API server answered {status} and asks to wait {wait:g} s"
        return Throttled(message, status, wait)
    kind, message = _meaning(status, said, request)
    return kind(message, status)


def _meaning(status: int, said: str, request: Request) -> tuple[type[ApiError], str]:
    where = f"{request.resource.namespace}/{request.name}".strip("/")
    hint = "see the API server's log" if status >= 500 else "this is a bug, or its version is old"
    meanings: dict[int, tuple[type[ApiError], str]] = {
        401: (
            ApiError,
            f"our credentials are not accepted for {request}; see token or kubeconfig: {said}",
        ),
        403: (Forbidden, f"not allowed to {request}: add {request.permission}"),
        404: (NotFound, f"{request.resource.plural} {where} cannot be found: {said}"),
        409: (Conflict, f"{request}: it changed meanwhile: {said}"),
        410: (Gone, f"{request}: its version has expired: {said}"),
    }
    other = (ApiError, f"{request}: answered {status}: {said}; {hint}")
    return meanings.get(status, other)


def fault_in_watch(status: Mapping[str, Any], request: Request) -> ApiError:
    """The error that an ERROR event of a watch tells of."""
    code = status.get("code")
    body = json.dumps(dict(status)).encode()
    return fault_of(code if isinstance(code, int) else 0, body, request, None)


def _said(body: bytes) -> str:
    """The message of a Status, or the beginning of whatever came."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError):
        said = body[:MOST_SHOWN].decode(errors="replace")
    return " ".join(str(said).split())[:MOST_SHOWN] or "no reason given"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds, at most an hour; None where it is absent or a date."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return min(seconds, 3600.0) if seconds >= 0 else None

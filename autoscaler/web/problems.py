"""Errors as RFC 9457 problem JSON: what is wrong, and what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import NotRequired

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from typing_extensions import TypedDict

PROBLEM_TYPE = "application/problem+json"
BROWSER_RULES = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "autoscaler",
    "X-Content-Type-Options": "nosniff",
}


class FieldFault(TypedDict):
    """What is wrong with one field of a body or one parameter."""

    field: str
    detail: str


class ProblemDocument(TypedDict):
    """An error as RFC 9457 has it; `hint` says what to do, `errors` which fields are wrong."""

    type: str
    title: str
    status: int
    detail: str
    hint: NotRequired[str]
    errors: NotRequired[list[FieldFault]]


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 gives it
    """Raised by a handler: answered as problem JSON with this status."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        hint: str = "",
        errors: Sequence[FieldFault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = headers or {}
        self.document: ProblemDocument = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
        }
        if hint:
            self.document["hint"] = hint
        if errors:
            self.document["errors"] = list(errors)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: every error that leaves is problem JSON, and a bug is logged, not shown."""
    try:
        return await handler(request)
    except Problem as problem:
        return _response(problem)
    except web.HTTPException as error:
        return _response(_of_http(error))
    except Exception:  # noqa: BLE001 - a bug in one answer must not end the server
        structlog.get_logger().exception("bug", where=f"{request.method} {request.path}")
        return _response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug; the log has it"))


async def forbid_browsers(_: web.Request, response: web.StreamResponse) -> None:
    """Signal: nothing may be embedded, cached, sniffed or read from another origin."""
    response.headers.update(BROWSER_RULES)


def _of_http(error: web.HTTPException) -> Problem:
    allowed = error.headers.get(hdrs.ALLOW, "")
    headers = {str(hdrs.ALLOW): allowed} if allowed else {}
    hints = {
        HTTPStatus.NOT_FOUND: "GET /api/v1/openapi.json lists every path",
        HTTPStatus.METHOD_NOT_ALLOWED: f"allowed here: {allowed}",
    }
    status = HTTPStatus(error.status)
    return Problem(status, error.reason, hint=hints.get(status, ""), headers=headers)


def _response(problem: Problem) -> web.Response:
    return web.Response(
        status=problem.document["status"],
        text=json.dumps(problem.document),
        content_type=PROBLEM_TYPE,
        headers=problem.headers,
    )

"""The server: one application from the route table, and how it listens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from autoscaler.errors import ConfigError
from autoscaler.telemetry.redaction import without_secrets
from autoscaler.web.auth import authorize
from autoscaler.web.backend import BACKEND, Backend
from autoscaler.web.openapi import openapi
from autoscaler.web.problems import answer_problems, forbid_browsers
from autoscaler.web.routes import ROUTES, Route

MOST_BODY_BYTES = 64 * 1024
MOST_LINE_BYTES = 8 * 1024
IDLE_SECONDS = 75.0
FAREWELL_SECONDS = 1.0


def create_app(backend: Backend) -> web.Application:
    """The application. It only reads what the ticks left behind, so no client delays a tick."""
    app = web.Application(middlewares=[answer_problems], client_max_size=MOST_BODY_BYTES)
    app[BACKEND] = backend
    app.on_response_prepare.append(forbid_browsers)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(route))
    description = json.dumps(openapi(ROUTES))

    async def describe(_: web.Request) -> web.Response:
        return web.Response(text=description, content_type="application/json")

    app.router.add_get("/api/v1/openapi.json", describe)
    return app


@asynccontextmanager
async def serving(backend: Backend, host: str, port: int) -> AsyncIterator[int]:
    """Answer on this address while the context lasts; gives the port (that of port 0 is chosen).

    Raises ConfigError when the address cannot be listened on.
    """
    runner = web.AppRunner(
        create_app(backend),
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=IDLE_SECONDS,
        max_field_size=MOST_LINE_BYTES,
        max_line_size=MOST_LINE_BYTES,
        shutdown_timeout=FAREWELL_SECONDS,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigError(
                f"http.listen: cannot listen on {host}:{port}: {why}; "
                "choose another port, or end what listens there"
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _handler(route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        backend = request.app[BACKEND]
        if route.changes:
            authorize(request, backend.token)
            backend.must_lead()
        answer = await route.handler(backend, request)
        return answer if isinstance(answer, web.StreamResponse) else _json(answer)

    return handle


def _json(document: Mapping[str, Any]) -> web.Response:
    text = json.dumps(without_secrets(document))
    return web.Response(text=text, content_type="application/json")

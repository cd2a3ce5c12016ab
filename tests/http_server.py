"""A small HTTP server whose answers the test writes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer


class HttpServer:
    """Answers every request with what `answer` gives, and remembers the requests."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[web.BaseRequest], web.StreamResponse] = lambda _: web.Response()
        self.before: Callable[[web.BaseRequest], Any] = lambda _: None

    def answers(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """From now on answer this: bytes and texts as they are, anything else as JSON."""
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        data = data.encode() if isinstance(data, str) else data
        self.answer = lambda _: web.Response(body=data, status=status, headers=headers)

    def breaks_off(self) -> None:
        """From now on promise more than is sent, and hang up."""

        class Cut(web.Response):
            async def write_eof(self, data: bytes = b"") -> None:
                assert self._req is not None
                assert self._req.transport is not None
                self._req.transport.close()

        self.answer = lambda _: Cut(body=b'{"status": ', headers={"Content-Length": "500"})

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        waiting = self.before(request)
        if waiting is not None:
            await waiting
        return self.answer(request)


@contextlib.asynccontextmanager
async def http_server() -> AsyncIterator[HttpServer]:
    """A server on a port of its own of 127.0.0.1."""
    server = HttpServer()
    async with RawTestServer(server.handle, host="127.0.0.1") as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server

"""The real server on loopback, with a backend that tests feed ticks by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from autoscaler.model import Tick
from autoscaler.overrides import Overrides
from autoscaler.secret import Secret
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.recent import Recent
from autoscaler.web.app import serving
from autoscaler.web.backend import Backend
from tests.records import NOW

TOKEN = "canary-token-51f0"


@dataclass
class Answer:
    """An HTTP answer, its body read."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
        return document


@dataclass
class Api:
    """A running server, and a client of it."""

    backend: Backend
    port: int
    session: aiohttp.ClientSession
    woken: list[str]
    now: list[float] = field(default_factory=lambda: [NOW])

    def observe(self, *ticks: Tick) -> None:
        """Feed ticks to what the daemon feeds them to."""
        for tick in ticks:
            self.backend.recent(tick)
            self.backend.metrics(tick)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, token: str | None = TOKEN) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return await self.ask("POST", path, json=body or {}, headers=headers)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, **options) as response:
            return Answer(response.status, response.headers, await response.text())


@asynccontextmanager
async def running(state: Path, token: Secret | None = None, **more: Any) -> AsyncIterator[Api]:
    """A server on a free port of loopback, by a clock that stands still at NOW."""
    woken: list[str] = []
    now = [NOW]
    recent = Recent()
    backend = Backend(
        recent=recent,
        metrics=Metrics(recent),
        overrides=Overrides(state),
        now=lambda: now[0],
        wake=woken.append,
        token=token,
        **more,
    )
    async with (
        serving(backend, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
    ):
        yield Api(backend, port, session, woken, now)

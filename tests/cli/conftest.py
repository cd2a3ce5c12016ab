"""Fixtures of the command line's tests: a daemon's API served from a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autoscaler.model import Tick
from autoscaler.secret import Secret
from tests.ticks import tick
from tests.web.serving import TOKEN, Api, running


@dataclass
class Daemon:
    """What a daemon would answer from, and where it answers."""

    api: Api
    url: str

    def observe(self, *ticks: Tick) -> None:
        self.api.observe(*ticks)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A server that has seen one tick; AUTOSCALER_URL and AUTOSCALER_TOKEN lead to it."""
    started, ended = threading.Event(), asyncio.Event()
    served: list[tuple[Api, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with running(tmp_path / "state", Secret(TOKEN)) as api:
            served.append((api, asyncio.get_running_loop()))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    api, loop = served[0]
    url = f"http://127.0.0.1:{api.port}"
    monkeypatch.setenv("AUTOSCALER_URL", url)
    monkeypatch.setenv("AUTOSCALER_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")
    api.observe(tick())
    with capture_logs():
        yield Daemon(api, url)
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    assert not thread.is_alive()

"""What runs in a pod: the interface of the kubelet, and containers that only pretend."""

from __future__ import annotations

import asyncio
from typing import Protocol

from tests.kubernetes.kinds import Item


class Container(Protocol):
    """One start of the container of a pod."""

    async def ready(self) -> None:
        """Returns once it is ready."""

    async def ended(self) -> int:
        """Its exit code, once it has ended. May be called often."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""

    def kill(self) -> None:
        """End it (SIGKILL). May be called when it has ended."""


class Runner(Protocol):
    """Starts what a pod contains."""

    async def start(self, pod: Item) -> Container: ...


class Pretend:
    """Runs until told to end, and then for `stop_seconds`; None: until it is killed."""

    def __init__(self, stop_seconds: float | None) -> None:
        self._stop_seconds = stop_seconds
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def ready(self) -> None:
        """At once."""

    async def ended(self) -> int:
        return await asyncio.shield(self._end)

    def terminate(self) -> None:
        if self._stop_seconds is not None:
            asyncio.get_running_loop().call_later(self._stop_seconds, self.end, 0)

    def kill(self) -> None:
        self.end(137)

    def end(self, code: int) -> None:
        """As a process that exits."""
        if not self._end.done():
            self._end.set_result(code)


class Pretended:
    """Starts containers that pretend. crashing: the pods whose containers fail at once."""

    def __init__(self, stop_seconds: float | None = 0.0) -> None:
        self.stop_seconds = stop_seconds
        self.crashing: set[str] = set()

    async def start(self, pod: Item) -> Container:
        made = Pretend(self.stop_seconds)
        if pod["metadata"]["name"] in self.crashing:
            made.end(1)
        return made

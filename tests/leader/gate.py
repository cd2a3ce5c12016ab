"""The way of one daemon to its server, which can be shut as a partition of the network shuts it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

CHUNK = 65_536


class Gate:
    """A TCP proxy on 127.0.0.1. What is under way while it is shut arrives late, or not at all.

    held: how many pieces on their way to the server waited for it to open.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self.held = 0
        self._server_port = port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def shut(self) -> None:
        """From now on no byte passes, and nobody is told so."""
        self._open.clear()

    def open(self) -> None:
        """What was sent meanwhile passes now, as a network that heals delivers it."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end is through with it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._open.wait()
            there = await asyncio.open_connection("127.0.0.1", self._server_port)
            await asyncio.gather(
                self._pump(reader, there[1], counted=True), self._pump(there[0], writer)
            )
        except (OSError, asyncio.CancelledError):
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool = False
    ) -> None:
        try:
            while chunk := await source.read(CHUNK):
                self.held += counted and not self._open.is_set()
                await self._open.wait()
                sink.write(chunk)
                await sink.drain()
        finally:
            sink.close()


@contextlib.asynccontextmanager
async def gate_to(port: int) -> AsyncIterator[Gate]:
    """An open gate to a port of 127.0.0.1."""
    gate = Gate(port)
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        server.close()
        await gate.aclose()

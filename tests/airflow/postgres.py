"""A PostgreSQL of Debian's package, private to a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tests.airflow.tree import ProcessTree
from tests.servers import eventually, free_port

PROGRAMS = Path("/usr/lib/postgresql")
USER = "airflow"
PASSWORD = "pg-password-never-shown"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "jit": "off",
}


class Postgres(ProcessTree):
    """One PostgreSQL on one port and data directory, which stay the same over restarts."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.data = directory / "data"
        self._programs = max(PROGRAMS.glob("*/bin"))
        settings = {**SETTINGS, "port": self.port, "unix_socket_directories": directory}
        command = [str(self._programs / "postgres"), "-D", str(self.data)]
        command += [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        super().__init__(as_postgres(command), directory / "postgres.log")

    def url(self, database: str, driver: str = "postgresql+asyncpg") -> str:
        return f"{driver}://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    async def create(self) -> None:
        """Make the data directory; the only user is a superuser with a password."""
        await asyncio.to_thread(_private_to_postgres, self.data.parent)
        password = self.data.parent / "password"
        password.write_text(PASSWORD)
        arguments = ["-D", str(self.data), "-U", USER, "--pwfile", str(password), "--no-sync"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        await self._finished([str(self._programs / "initdb"), *arguments])

    async def start(self) -> None:
        await self.launch()
        await eventually(self._answers, "PostgreSQL", timeout_seconds=30, every_seconds=0.1)

    async def execute(self, sql: str, database: str = "postgres") -> str:
        """Run statements with psql; returns what it prints, columns separated by `|`."""
        arguments = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database]
        arguments += ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]
        return await self._finished(["psql", *arguments])

    async def rows(self, sql: str, database: str) -> list[dict[str, Any]]:
        """The rows of one query by column; times come as texts."""
        text = await self.execute(f"select json_agg(found) from ({sql}) found", database)
        return list(json.loads(text.strip() or "[]"))

    async def stop(self) -> None:
        """As `pg_ctl stop -m fast` does: connections are cut."""
        self.signal(signal.SIGINT)
        await self.exited()

    async def kill(self) -> None:
        """End it at once, also when it is paused."""
        if self.running:
            self.resume()
            self.signal(signal.SIGQUIT)
            await self.exited()

    async def _answers(self) -> bool:
        assert self.running, f"PostgreSQL ended: {self.output}"
        try:
            return await self.execute("select 1") == "1\n"
        except AssertionError:
            return False

    async def _finished(self, command: Sequence[str]) -> str:
        process = await asyncio.create_subprocess_exec(
            *as_postgres(command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            cwd=self.data.parent,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, f"{command[0]}: {errors.decode()}"
        return output.decode()


def as_postgres(command: Sequence[str]) -> list[str]:
    """The command as the user postgres if we are root: PostgreSQL does not run as root."""
    if os.getuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


def _private_to_postgres(directory: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(directory, "postgres", "postgres")


@contextlib.asynccontextmanager
async def postgres() -> AsyncIterator[Postgres]:
    """A running PostgreSQL; `url` and `execute` take the name of a database."""
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(directory)
    try:
        await server.create()
        await server.start()
        yield server
    finally:
        await server.kill()
        shutil.rmtree(directory, ignore_errors=True)

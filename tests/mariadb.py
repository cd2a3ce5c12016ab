"""A MariaDB of Debian's package for tests marked `full`, and databases of their own in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

from tests.servers import Process, eventually, free_port

USER = "airflow"
PASSWORD = "maria-password-never-shown"
SETTINGS = {
    "bind-address": "127.0.0.1",
    "innodb-buffer-pool-size": "256M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "default-time-zone": "+05:30",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
}


class MariaDB(Process):
    """One MariaDB on one port and data directory, in a time zone that is not Airflow's."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.directory = directory
        self._user = ["--user=root"] if os.getuid() == 0 else []
        settings = {
            **SETTINGS,
            "port": str(self.port),
            "datadir": str(directory / "data"),
            "socket": str(directory / "socket"),
            "pid-file": str(directory / "pid"),
        }
        command = ["/usr/sbin/mariadbd", "--no-defaults", *self._user]
        command += [f"--{key}={value}" for key, value in settings.items()]
        super().__init__(command, directory / "log")

    def url(self, database: str, driver: str = "mysql+aiomysql") -> str:
        return f"{driver}://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Make the data directory if there is none, with one user that may do everything."""
        new = not (self.directory / "data").exists()
        if new:
            words = ["--no-defaults", *self._user, f"--datadir={self.directory / 'data'}"]
            words += ["--auth-root-authentication-method=normal", "--skip-test-db"]
            await asyncio.to_thread(_finished, ["mariadb-install-db", *words])
        await self.launch()
        await eventually(self._answers, "MariaDB", timeout_seconds=60, every_seconds=0.1)
        if new:
            user = f"'{USER}'@'127.0.0.1'"
            self.execute(f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'")
            self.execute(f"GRANT ALL ON *.* TO {user} WITH GRANT OPTION")

    def execute(self, sql: str, database: str = "mysql", *, force: bool = False) -> str:
        """Run statements as root; returns what they print, columns separated by tabs.

        force: go on after statements that fail.
        """
        words = ["--no-defaults", f"--socket={self.directory / 'socket'}", "-uroot", "-N", "-B"]
        words += ["--force"] if force else []
        return _finished(["mariadb", *words, database], sql)

    def new_database(self) -> str:
        """The name of a new, empty database."""
        name = f"airflow_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def _answers(self) -> bool:
        assert self.running, f"MariaDB ended: {self.output}"
        with contextlib.suppress(AssertionError):
            return self.execute("SELECT 1") == "1\n"
        return False


def _finished(command: list[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout


@contextlib.asynccontextmanager
async def mariadb() -> AsyncIterator[MariaDB]:
    """A running MariaDB; it needs some seconds to start, so share it."""
    directory = Path(tempfile.mkdtemp(prefix="mariadb-"))
    server = MariaDB(directory)
    try:
        await server.start()
        yield server
    finally:
        server.signal(signal.SIGCONT)
        await server.kill()
        shutil.rmtree(directory, ignore_errors=True)

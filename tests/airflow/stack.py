"""One whole Airflow: PostgreSQL, Valkey, scheduler, DAG processor, triggerer, API server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.airflow.settings import REPOSITORY, TESTS, environment, home_of
from tests.airflow.tree import ProcessTree
from tests.postgres import PostgresServer, postgres_server
from tests.servers import Process, Valkey, eventually, free_port, valkey

COMPONENTS = {
    "3": ("scheduler", "dag-processor", "triggerer", "api-server"),
    "2": ("scheduler", "dag-processor", "triggerer", "webserver"),
}
SCHEDULED = ("burst", "global_pipeline")
HEALTH = {"3": "/api/v2/monitor/health", "2": "/health"}
READY = {"3": "/execution/health/ping", "2": "/health"}  # the first call makes the API ready
DAGS = 9
GRANTS = REPOSITORY / "config" / "airflow-grants-postgresql.sql"
READER, READER_PASSWORD = "autoscaler", "reader-password-never-shown"
BROKER_PASSWORD = "broker-password-never-shown"
POOLS = (
    "insert into slot_pool (pool, slots, description, include_deferred) "
    "values ('single', 1, 'of the tests', false)"
)


@dataclass(frozen=True)
class Outcome:
    """What became of the task instances of one DAG run, by Airflow's own tables."""

    states: Counter[str]
    tried_again: int

    @property
    def unfinished(self) -> int:
        return sum(n for state, n in self.states.items() if state not in ("success", "failed"))


class Airflow:
    """Its processes by the name of their command; each can be stopped, paused and killed."""

    def __init__(
        self, version: str, directory: Path, server: PostgresServer, broker: Valkey
    ) -> None:
        self.version = version
        self.postgres = server
        self.broker = broker
        self.database = f"airflow{version}"
        self.directory = directory
        self.api_port = free_port()
        self.program = str(home_of(version) / "bin" / "airflow")
        self.env = environment(
            version,
            directory,
            database=server.url(self.database),
            broker=broker.url,
            api_port=self.api_port,
        )
        self.components = {name: self._component(name) for name in COMPONENTS[version]}
        python = str(home_of(version) / "bin" / "python")
        command = [python, str(TESTS / "console.py")]
        self._console = Console(command, directory / "console.log", self.env, directory)

    @property
    def api(self) -> ProcessTree:
        """What serves the web: the API server, or the webserver of Airflow 2."""
        return self.components[COMPONENTS[self.version][-1]]

    @property
    def database_url(self) -> str:
        """For the daemon, as the user of the grants that we ship."""
        port, login = self.postgres.port, f"{READER}:{READER_PASSWORD}"
        return f"postgresql://{login}@127.0.0.1:{port}/{self.database}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    async def start(self) -> None:
        await asyncio.to_thread(self._make_database)
        migration = self._process("db-migrate", [self.program, "db", "migrate"])
        await migration.launch()
        assert await migration.exited(120) == 0, migration.output
        await self.execute(POOLS)
        await self.execute(f"create role {READER} login password '{READER_PASSWORD}'")
        await self.execute(GRANTS.read_text())
        for component in self.components.values():
            await component.launch()
        await self._console.launch()
        await eventually(self.healthy, "Airflow", timeout_seconds=120, every_seconds=0.5)
        await eventually(self._reportable, "the execution API", timeout_seconds=60)
        await eventually(self._parsed, "all DAGs", timeout_seconds=60, every_seconds=0.5)

    async def restart(self, name: str, **env: str) -> None:
        """Stop one component if it runs, and start it with these variables as well."""
        component = self.components[name]
        if component.running:
            await component.terminate(60)
        component.env = {**component.env, **self.env, **env}
        await component.launch()
        await eventually(self.healthy, f"{name} again", timeout_seconds=60, every_seconds=0.5)

    async def revive(self) -> None:
        """Start what ended, as its supervisor would: Airflow ends when its database does."""
        for component in self.components.values():
            if not component.running:
                await component.launch()
        await eventually(self.healthy, "Airflow again", timeout_seconds=90, every_seconds=0.5)

    async def trigger(self, dag_id: str) -> str:
        """Start a run of a DAG; returns its id."""
        return await self._console.trigger(dag_id)

    async def unpause(self, dag_id: str, *, paused: bool = False) -> None:
        await self.execute(f"update dag set is_paused = {paused} where dag_id = '{dag_id}'")

    async def execute(self, sql: str) -> str:
        """What psql prints for statements on Airflow's database."""
        return await asyncio.to_thread(self.postgres.execute, sql, self.database)

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of one query by column; times come as texts."""
        text = await self.execute(f"select json_agg(found) from ({sql}) found")
        return list(json.loads(text.strip() or "[]"))

    async def outcome(self, dag_id: str) -> Outcome:
        """Of all runs of this DAG. A task that was tried again shows in its number or history."""
        rows = await self.rows(
            "select coalesce(state, 'none') as state, try_number, (select count(*) from "
            "task_instance_history h where (h.dag_id, h.run_id, h.task_id, h.map_index) = "
            "(t.dag_id, t.run_id, t.task_id, t.map_index)) as earlier "
            f"from task_instance t where dag_id = '{dag_id}'"
        )
        again = sum(1 for row in rows if row["try_number"] not in (0, 1) or row["earlier"] != 0)
        return Outcome(Counter(str(row["state"]) for row in rows), again)

    async def forget(self) -> None:
        """Pause what begins by itself, delete all runs, and what of them waits in the broker."""
        await self.execute(f"update dag set is_paused = true where dag_id in {SCHEDULED}")
        await eventually(self._without_runs, "a moment without a deadlock", 30, 0.5)
        async with self.broker.client() as client:
            await client.flushall()

    async def _without_runs(self) -> bool:
        """Delete them; the scheduler may be about to write some of the same rows."""
        try:
            await self.execute("delete from dag_run")
        except AssertionError as error:
            if "deadlock detected" not in str(error):
                raise
            return False
        return True

    async def healthy(self) -> bool:
        """Whether all of Airflow says that it is, by its own API."""
        for component in self.components.values():
            assert component.running, f"{component.log.stem} ended: {component.output[-3000:]}"
        health = await asyncio.to_thread(self._get, HEALTH[self.version])
        return health.count('"healthy"') == 4

    async def _reportable(self) -> bool:
        return bool(await asyncio.to_thread(self._get, READY[self.version]))

    def _get(self, path: str) -> str:
        try:
            with urlopen(self.api_url + path, timeout=30) as answer:
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""

    def _make_database(self) -> None:
        self.postgres.execute("alter system set max_connections = 300")
        self.postgres.stop()
        self.postgres.start()
        self.postgres.execute(f"create database {self.database}")

    async def _parsed(self) -> bool:
        rows = await self.rows("select dag_id from serialized_dag")
        return len({row["dag_id"] for row in rows}) == DAGS

    def _component(self, name: str) -> ProcessTree:
        options = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
        return self._process(name, [self.program, name, *options])

    def _process(self, name: str, command: list[str]) -> ProcessTree:
        return ProcessTree(command, self.directory / f"{name}.log", self.env, self.directory)

    async def close(self) -> None:
        for process in (self._console, *self.components.values()):
            await process.kill()

    def logs(self, characters: int = 3000) -> str:
        """The end of every log, for a test that failed."""
        processes: tuple[Process, ...] = (self._console, *self.components.values())
        return "\n".join(f"== {p.log.stem}\n{p.output[-characters:]}" for p in processes)


class Console(Process):
    """tests/airflow/console.py in Airflow's environment, spoken to over its pipes."""

    async def launch(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
            )

    async def trigger(self, dag_id: str) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{dag_id}\n".encode())
        async with asyncio.timeout(60):
            answer = (await self._process.stdout.readline()).decode().strip()
        assert answer, f"{dag_id} was not triggered: {self.output[-3000:]}"
        return answer


@contextlib.asynccontextmanager
async def airflow(version: str) -> AsyncIterator[Airflow]:
    """A whole Airflow 3 or 2 without workers; its logs are shown when it does not come up."""
    directory = Path(tempfile.mkdtemp(prefix=f"airflow-{version}-"))
    with postgres_server() as server:
        async with valkey(password=BROKER_PASSWORD) as broker:
            stack = Airflow(version, directory, server, broker)
            try:
                await stack.start()
                yield stack
            except BaseException:
                sys.stderr.write(stack.logs())
                raise
            finally:
                await stack.close()
                shutil.rmtree(directory, ignore_errors=True)

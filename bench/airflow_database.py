"""How long one read of Airflow's database takes with 1,000,000 task instances, 4,000 active."""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median

from autoscaler.clients.airflow.connection import AirflowDatabase, Snapshot
from autoscaler.clients.airflow.history import History
from autoscaler.clients.airflow.reading import read
from autoscaler.clients.airflow.state import Defaults, state_of
from autoscaler.errors import SourceError
from autoscaler.model import AirflowState
from autoscaler.secret import Secret
from bench.figures import Figure, tell
from tests.airflow_history import ACTIVE, remember
from tests.airflow_tables import Airflow
from tests.postgres import postgres_server

TASK_INSTANCES, READS = 1_000_000, 40
BOUND_MILLISECONDS, BOUND_OF_HISTORY = 50.0, 2000.0
QUERIES = (
    "vitals",
    "with_executor",
    "scheduled",
    "pools",
    "jobs",
    "triggers",
    "hidden",
    "next_runs",
    "runs_not_over",
    "tasks_to_come",
    "connections",
)


class Timed(Snapshot):
    """Notes how long each statement took, in the order in which they are asked."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot.connection, snapshot.dialect, snapshot.schema)
        self.seconds: list[float] = []

    async def rows(self, statement):
        began = time.perf_counter()
        rows = await super().rows(statement)
        self.seconds.append(time.perf_counter() - began)
        return rows


async def main() -> int:
    """Fill the tables of Airflow 3, read them, and print the medians."""
    with postgres_server() as server:
        airflow = Airflow(server.url(server.new_database(), "postgresql+asyncpg"))
        await airflow.create()
        await remember(airflow, TASK_INSTANCES)
        await airflow.close()
        figures = await _measured(airflow.url)
    active = sum(ACTIVE.values())
    title = f"{TASK_INSTANCES:,} task instances, {active:,} of them active (median of {READS})"
    return tell(title, figures)


async def _measured(url: str) -> list[Figure]:
    database = AirflowDatabase(Secret(url), timeout_seconds=30)
    whole, counting, cpu, parts = [], [], [], {}
    past, history = History(Defaults()), []
    for _ in range(READS):
        began, spent = time.perf_counter(), time.process_time()
        async with database.snapshot(SourceError) as snapshot:
            timed = Timed(snapshot)
            reading = await read(timed, time.time, 3600)
        whole.append(time.perf_counter() - began)
        counted = time.perf_counter()
        state = state_of(reading, time.time(), Defaults(parallelism=0))
        counting.append(time.perf_counter() - counted)
        cpu.append(time.process_time() - spent)
        history.append(await _looked_back(database, past, state))
        for name, seconds in zip(QUERIES, timed.seconds, strict=True):
            parts.setdefault(name, []).append(seconds)
    await database.aclose()
    return [
        Figure("a whole read", _ms(whole), "ms", BOUND_MILLISECONDS),
        *(Figure(f"  of it: {name}", _ms(seconds), "ms") for name, seconds in parts.items()),
        Figure("admission and records", _ms(counting), "ms"),
        Figure("CPU time of ours for both", _ms(cpu), "ms"),
        Figure("history: 99 runs of 20 tasks", 1000 * max(history)[0], "ms", BOUND_OF_HISTORY),
        Figure("  of it: CPU time of ours", 1000 * max(history)[1], "ms"),
    ]


async def _looked_back(
    database: AirflowDatabase, past: History, state: AirflowState
) -> tuple[float, float]:
    """Seconds, and CPU seconds, of one look at history.

    At the first ones so many DAGs are due, and new, that it takes on as much as it ever does.
    """
    past.follow(state)
    began, spent = time.perf_counter(), time.process_time()
    async with database.snapshot(SourceError) as snapshot:
        await past.read(snapshot, 5)
    return time.perf_counter() - began, time.process_time() - spent


def _ms(seconds: list[float]) -> float:
    return 1000 * median(seconds)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""Those tables of Airflow 2.11 and 3 that are read, and rows for them: for tests of the queries.

Written by hand, with the columns, keys and indexes that matter; the tests marked `full` run over
the tables that Airflow itself makes. Times of rows are Unix seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    text,
)
from sqlalchemy.dialects.mysql import TIMESTAMP
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.types import TypeDecorator

from autoscaler.clock import Clock

Row = Mapping[str, Any]
HEADS = {2: "5f2621c13b39", 3: "d2f4e1b3c5a7"}


def ago(seconds: float) -> float:
    """That time before now, by the clock of the database, which is this machine's."""
    return Clock().now() - seconds


class Seconds(TypeDecorator[datetime]):
    """Unix seconds, kept as Airflow keeps times: in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect):
        mysql = dialect.name == "mysql"
        kind = TIMESTAMP(fsp=6) if mysql else DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value, dialect):
        return None if value is None else datetime.fromtimestamp(value, UTC)


def tables(major: int) -> MetaData:
    """The tables of Airflow 2 or 3, without rows."""
    metadata = MetaData()
    for make in (_task_instance, _dag_run, _dag):
        make(metadata, major)
    Table(
        "slot_pool",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("pool", String(256), unique=True),
        Column("slots", Integer),
        Column("include_deferred", Boolean, nullable=False, default=False),
    )
    Table(
        "job",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("state", String(20)),
        Column("job_type", String(30)),
        Column("latest_heartbeat", Seconds),
        Column("hostname", String(500)),
        Index("job_type_heart", "job_type", "latest_heartbeat"),
        Index("idx_job_state_heartbeat", "state", "latest_heartbeat"),
    )
    Table("import_error", metadata, Column("id", Integer, primary_key=True))
    Table(
        "trigger",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("triggerer_id", Integer),
        *((Column("queue", String(256)),) if major == 3 else ()),
    )
    Table(
        "serialized_dag",
        metadata,
        *((Column("id", Integer, primary_key=True),) if major == 3 else ()),
        Column("dag_id", String(250), primary_key=major == 2),
        Column("data", JSON().with_variant(JSONB(), "postgresql") if major == 3 else JSON()),
        Column("last_updated", Seconds),
    )
    Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))
    if major == 3:
        _beyond_tasks(metadata)
    return metadata


def _task_instance(metadata: MetaData, major: int) -> None:
    three = [Column(name, Seconds) for name in ("scheduled_dttm", "last_heartbeat_at")]
    Table(
        "task_instance",
        metadata,
        Column("dag_id", String(250), primary_key=True),
        Column("task_id", String(250), primary_key=True),
        Column("run_id", String(250), primary_key=True),
        Column("map_index", Integer, primary_key=True, autoincrement=False, default=-1),
        Column("state", String(20)),
        Column("queue", String(256), default="default"),
        Column("executor", String(1000)),
        Column("pool", String(256), nullable=False, default="default_pool"),
        Column("pool_slots", Integer, nullable=False, default=1),
        Column("priority_weight", Integer, default=1),
        Column("queued_dttm", Seconds),
        Column("start_date", Seconds),
        Column("updated_at", Seconds),
        Column("hostname", String(1000), default=""),
        Column("external_executor_id", Text if major == 3 else String(250)),
        Column("executor_config", Text),
        *(three if major == 3 else [Column("job_id", Integer)]),
        Index("ti_state", "state"),
        Index("ti_dag_state", "dag_id", "state"),
        Index("ti_pool", "pool", "state", "priority_weight"),
        Index("ti_dag_run", "dag_id", "run_id"),
    )


def _dag_run(metadata: MetaData, major: int) -> None:
    """Airflow's index by date is unique."""
    date = "logical_date" if major == 3 else "execution_date"
    running, queued = text("state='running'"), text("state='queued'")
    Table(
        "dag_run",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("dag_id", String(250), nullable=False),
        Column("run_id", String(250), nullable=False),
        Column("state", String(50), default="running"),
        Column("run_type", String(50), nullable=False, default="manual"),
        Column("conf", Text),
        Column("queued_at", Seconds),
        Column("start_date", Seconds),
        Column("logical_date", Seconds)
        if major == 3
        else Column("execution_date", Seconds, nullable=False),
        Index(f"dag_run_dag_id_{date}_key", "dag_id", date),
        Index("dag_run_dag_id_run_id_key", "dag_id", "run_id", unique=True),
        Index("dag_id_state", "dag_id", "state"),
        Index("idx_dag_run_running_dags", "state", "dag_id", postgresql_where=running),
        Index("idx_dag_run_queued_dags", "state", "dag_id", postgresql_where=queued),
    )


def _dag(metadata: MetaData, major: int) -> None:
    three = (
        Column("is_stale", Boolean, nullable=False, default=False),
        Column("exceeds_max_non_backfill", Boolean, nullable=False, default=False),
    )
    Table(
        "dag",
        metadata,
        Column("dag_id", String(250), primary_key=True),
        Column("is_paused", Boolean, default=False),
        Column("last_parsed_time", Seconds),
        Column("max_active_tasks", Integer, nullable=False, default=16),
        Column("has_import_errors", Boolean, default=False),
        Column("next_dagrun_create_after", Seconds),
        *(three if major == 3 else (Column("is_active", Boolean, default=True),)),
        Index("idx_next_dagrun_create_after", "next_dagrun_create_after"),
    )


def _beyond_tasks(metadata: MetaData) -> None:
    Table(
        "callback",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("type", String(20), nullable=False),
        Column("state", String(10)),
        Column("data", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
    )
    Table(
        "connection_test_request",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("state", String(20), nullable=False),
        Column("queue", String(256)),
        Column("executor", String(256)),
        Column("password", Text),
    )


class Airflow:
    """An Airflow that is only its tables; a test writes into them what its scheduler would."""

    def __init__(self, url: str, major: int = 3) -> None:
        self.url = url
        self.major = major
        self.metadata = tables(major)
        utc = {"init_command": "SET time_zone = '+00:00'"} if url.startswith("mysql") else {}
        self._engine = create_async_engine(url, pool_size=1, connect_args=utc)

    async def create(self, *, empty: bool = False) -> None:
        """Make the tables, with what stands in them at first."""
        async with self._engine.begin() as connection:
            await connection.run_sync(self.metadata.create_all, checkfirst=False)
        if not empty:
            await self.begin()

    async def reset(self) -> None:
        """Make it as it was when it was created."""
        await self.execute(f"TRUNCATE {', '.join(self.metadata.tables)} RESTART IDENTITY")
        await self.begin()

    async def begin(self) -> None:
        """Write the pool that every Airflow has, and one DAG, `etl`, with a run."""
        await self.add("alembic_version", {"version_num": HEADS[self.major]})
        await self.add("slot_pool", {"pool": "default_pool", "slots": 128})
        await self.dag("etl")

    async def add(self, table: str, *rows: Row) -> None:
        """Insert rows; what they leave out has the column's default."""
        async with self._engine.begin() as connection:
            for row in rows:
                await connection.execute(insert(self.metadata.tables[table]).values(**row))

    async def dag(
        self, dag_id: str, run_id: str = "r", date: float | None = None, **dag: Any
    ) -> None:
        """A DAG with one running run."""
        await self.add("dag", {"dag_id": dag_id, **dag})
        await self.run(dag_id, run_id, date)

    async def run(self, dag_id: str, run_id: str, date: float | None = None, **run: Any) -> None:
        """One more run of a DAG; Airflow 2 knows none without a date."""
        when = {"logical_date": date} if self.major == 3 else {"execution_date": date or 1.0}
        await self.add("dag_run", {"dag_id": dag_id, "run_id": run_id, **when, **run})

    async def tasks(self, state: str, number: int = 1, task_id: str = "t", **task: Any) -> None:
        """A mapped task with so many instances, in a run of `etl` unless told otherwise."""
        row = {"dag_id": "etl", "run_id": "r", "state": state, "task_id": task_id, **task}
        await self.add("task_instance", *({**row, "map_index": i} for i in range(number)))

    async def ran(
        self, run_id: str, *tasks: tuple[float, float, float], dag_id: str = "etl", **more: Any
    ) -> None:
        """A run that is over, of tasks given as when each was ready, begun and done."""
        began = min((task[0] for task in tasks), default=None)
        await self.run(dag_id, run_id, **{"date": began, "state": "success", **more})
        ready_at = "scheduled_dttm" if self.major == 3 else "queued_dttm"
        for number, (ready, begun, done) in enumerate(tasks):
            times = {ready_at: ready, "start_date": begun, "updated_at": done}
            await self.tasks("success", 1, f"t{number}", dag_id=dag_id, run_id=run_id, **times)

    async def execute(self, sql: str) -> None:
        """Run a statement as it is."""
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(sql)

    @contextlib.asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """While nobody else can even read this table."""
        mysql = self.url.startswith("mysql")
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(f"LOCK TABLE {table}{' WRITE' if mysql else ''}")
            yield

    async def close(self) -> None:
        await self._engine.dispose()

"""What an Airflow's tables look like: found out from the database, not configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from autoscaler.clients.airflow.faults import GRANTS

Columns = Mapping[str, frozenset[str]]


def _merged(*parts: Mapping[str, str]) -> Columns:
    """Columns by table, out of texts."""
    tables = {table for part in parts for table in part}
    return {
        table: frozenset(" ".join(part.get(table, "") for part in parts).split())
        for table in sorted(tables)
    }


_BOTH = {
    "alembic_version": "version_num",
    "dag": "dag_id has_import_errors is_paused last_parsed_time max_active_tasks"
    " next_dagrun_create_after",
    "dag_run": "dag_id id run_id state",
    "import_error": "id",
    "job": "hostname id job_type latest_heartbeat state",
    "slot_pool": "include_deferred pool slots",
    "task_instance": "dag_id executor external_executor_id hostname map_index pool pool_slots"
    " priority_weight queue queued_dttm run_id start_date state task_id updated_at",
    "trigger": "id triggerer_id",
}
_AIRFLOW_2 = {
    "dag": "is_active",
    "dag_run": "execution_date run_type",
    "task_instance": "job_id",
}
_AIRFLOW_3 = {
    "dag": "is_stale",
    "dag_run": "logical_date",
    "task_instance": "last_heartbeat_at scheduled_dttm",
}
READ: Mapping[int, Columns] = {2: _merged(_BOTH, _AIRFLOW_2), 3: _merged(_BOTH, _AIRFLOW_3)}
VIEW = "autoscaler_dag_task"
READ_WHERE_PRESENT: Columns = _merged(
    {
        VIEW: "dag_id downstream executor queue takes_no_slot task_id",
        "callback": "data state type",
        "connection_test_request": "executor queue state",
        "dag": "exceeds_max_non_backfill",
        "dag_run": "queued_at run_type start_date",
        "trigger": "queue",
    }
)
# What a user without rights does not see looks like what an older version does not have. All those
# before 3.3 are known, so that one which is not (3.x) is a newer one.
_SINCE_3_3 = ("callback", "connection_test_request", "trigger.queue")
_SURELY_THERE = {"3.2": ("callback",), "3.3": _SINCE_3_3, "3.x": _SINCE_3_3}
KNOWN = "2.11 and 3.0 to 3.3"
_VERSIONS = {
    "5f2621c13b39": "2.11",
    "29ce7909c52b": "3.0",
    "fe199e1abd77": "3.0",
    "cc92b33c6709": "3.1",
    "509b94a1042d": "3.1",
    "1d6611b6ab7c": "3.2",
    "d2f4e1b3c5a7": "3.3",
}
_TYPES: Mapping[TypeEngine[Any], str] = {
    Boolean(): "exceeds_max_non_backfill has_import_errors include_deferred is_active is_paused"
    " is_stale takes_no_slot",
    DateTime(timezone=True): "execution_date last_heartbeat_at last_parsed_time latest_heartbeat"
    " logical_date next_dagrun_create_after queued_at queued_dttm scheduled_dttm start_date"
    " updated_at",
    Integer(): "id job_id map_index max_active_tasks pool_slots priority_weight slots triggerer_id",
    JSON(): "data",
}
_TYPE_OF = {column: type_ for type_, columns in _TYPES.items() for column in columns.split()}
_CATALOG = Table(
    "columns",
    MetaData(schema="information_schema"),
    *(Column(name, String()) for name in ("table_schema", "table_name", "column_name")),
)


class UnknownSchemaError(Exception):
    """The tables are not those of an Airflow that we know, or may not be read."""


@dataclass(frozen=True, slots=True)
class AirflowSchema:
    """Which Airflow it is, and its tables with those columns that are read.

    version: such as `3.3`, or `3.x` where its migration is not known here.
    """

    version: str
    tables: Mapping[str, Table]

    @property
    def limits_runs(self) -> bool:
        """Whether max_active_tasks limits each run, as since Airflow 3, and not the whole DAG."""
        return self.has("dag_run", "logical_date")

    def has(self, table: str, column: str) -> bool:
        """Whether a column that not every version has is there."""
        return table in self.tables and column in self.tables[table].c


async def look(connection: AsyncConnection, schema_name: str | None = None) -> AirflowSchema:
    """What is there. Raises UnknownSchemaError, naming all that is missing."""
    within = schema_name or connection.dialect.default_schema_name
    catalog = _CATALOG.c
    names = READ[3].keys() | READ_WHERE_PRESENT.keys()
    rows = await connection.execute(
        select(catalog.table_name, catalog.column_name)
        .where(catalog.table_schema == within)
        .where(catalog.table_name.in_(sorted(names)))
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    columns = present_columns({table: frozenset(names) for table, names in found.items()})
    metadata = MetaData(schema=schema_name)
    tables = {name: _table(name, metadata, columns[name]) for name in columns}
    heads = (await connection.execute(select(tables["alembic_version"]))).scalars()
    unknown = "3.x" if "logical_date" in columns["dag_run"] else "2.x"
    version = next((_VERSIONS[head] for head in heads if head in _VERSIONS), unknown)
    seen = {*tables, *(str(column) for table in tables.values() for column in table.c)}
    if unseen := [name for name in _SURELY_THERE.get(version, ()) if name not in seen]:
        raise UnknownSchemaError(
            f"Airflow {version} has {' and '.join(unseen)}, which this user may not read: {GRANTS}"
        )
    return AirflowSchema(version, tables)


def present_columns(found: Columns) -> Columns:
    """Of what is there, what will be read. Raises UnknownSchemaError, naming what is missing."""
    if not found:
        raise UnknownSchemaError(
            f"it holds no table of Airflow that this user may read: wrong database or schema,"
            f" `airflow db migrate` not run, or no rights; for these {GRANTS}"
        )
    major = 2 if "execution_date" in found.get("dag_run", ()) else 3
    missing = [
        f"{table}.{column}"
        for table, columns in READ[major].items()
        for column in sorted(columns - found.get(table, frozenset()))
    ]
    if missing:
        raise UnknownSchemaError(
            f"not there, or not readable by this user: {', '.join(missing)}. Known are Airflow"
            f" {KNOWN}; if it is one of these, {GRANTS}"
        )
    optional = {
        table: columns
        for table, columns in READ_WHERE_PRESENT.items()
        if columns <= found.get(table, frozenset())
    }
    tables = READ[major].keys() | optional.keys()
    none: frozenset[str] = frozenset()
    return {table: READ[major].get(table, none) | optional.get(table, none) for table in tables}


def _table(name: str, metadata: MetaData, columns: frozenset[str]) -> Table:
    types = ((column, _TYPE_OF.get(column, String())) for column in sorted(columns))
    return Table(name, metadata, *(Column(column, type_) for column, type_ in types))

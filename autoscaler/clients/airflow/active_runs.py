"""DAG runs that are not over, and how many of their task instances are still to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import CompoundSelect, Row, Select, false, func, or_, select, union_all

from autoscaler.clients.airflow.connection import Snapshot
from autoscaler.clients.airflow.schema import AirflowSchema
from autoscaler.clients.airflow.times import seconds_of
from autoscaler.model import ActiveRun

MOST_RUNS = 2_000
MOST_TASKS = 50_000
AT_WORK, WAITING = "running", "queued"
TO_COME = ("scheduled", "up_for_retry", "up_for_reschedule", "deferred")
Rows = list[tuple[Row[Any], Mapping[str, int]]]


async def active_runs(snapshot: Snapshot) -> Rows:
    """Each run with its tasks to come; of one that waits for its turn nobody asks.

    Nothing where this user may not read when runs began, or when they are too many to be foreseen.
    """
    schema = snapshot.schema
    if not schema.has("dag_run", "queued_at"):
        return []
    runs = await snapshot.rows(runs_not_over(schema))
    to_come = await snapshot.rows(tasks_to_come(schema)) if runs else []
    if len(runs) > MOST_RUNS or len(to_come) > MOST_TASKS:
        return []
    pending: dict[tuple[str, str], dict[str, int]] = {}
    for row in to_come:
        pending.setdefault((row.dag_id, row.run_id), {})[row.task_id] = row.tasks
    return [(run, pending.get((run.dag_id, run.run_id), {})) for run in runs]


def records(rows: Rows, skew: float) -> Iterator[ActiveRun]:
    """The runs by our clock; one that was never queued, as in tests of DAGs, is not foreseen."""
    for run, pending in rows:
        created = run.queued_at or run.start_date
        if created is None:
            continue
        began = run.start_date if run.state == AT_WORK else None
        yield ActiveRun(
            dag_id=run.dag_id,
            run_id=run.run_id,
            created_at=seconds_of(created, skew),
            started_at=None if began is None else seconds_of(began, skew),
            scheduled=run.run_type == "scheduled",
            pending=pending,
        )


def runs_not_over(schema: AirflowSchema) -> CompoundSelect[Any]:
    """Runs of DAGs that are not paused. Airflow has an index for each of the two states."""
    return union_all(_in_state(schema, AT_WORK), _in_state(schema, WAITING)).limit(MOST_RUNS + 1)


def _in_state(schema: AirflowSchema, state: str) -> Select[Any]:
    run, dag = schema.tables["dag_run"].c, schema.tables["dag"].c
    return (
        select(run.dag_id, run.run_id, run.run_type, run.state, run.queued_at, run.start_date)
        .where(run.state == state)
        .where(dag.dag_id == run.dag_id, dag.is_paused == false())
    )


def tasks_to_come(schema: AirflowSchema) -> Select[Any]:
    """Of the runs at work, by task, those that are neither over nor with the executor."""
    run, ti = schema.tables["dag_run"].c, schema.tables["task_instance"].c
    by = ti.dag_id, ti.run_id, ti.task_id
    return (
        select(*by, func.count().label("tasks"))
        .where(run.state == AT_WORK, ti.dag_id == run.dag_id, ti.run_id == run.run_id)
        .where(or_(ti.state.is_(None), ti.state.in_(TO_COME)))
        .group_by(*by)
        .limit(MOST_TASKS + 1)
    )

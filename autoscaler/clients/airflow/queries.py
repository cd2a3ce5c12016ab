"""Every statement that is polled. Each works on rows that are active now, never on history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    cast,
    false,
    func,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.types import BigInteger, String

from autoscaler.clients.airflow.dialect import Dialect
from autoscaler.clients.airflow.schema import AirflowSchema
from autoscaler.model import JobKind

MAX_TASKS = 100_000
MAX_JOBS = 1_000
MAX_RUNS = 1_000
LEFT_OUT = 0.05  # of the DAGs, when it is asked how long ago they were parsed
WITH_EXECUTOR = ("queued", "running", "restarting")
UNDER_WAY = ("pending", "queued", "running")


def vitals(schema: AirflowSchema, dialect: Dialect) -> Select[Any]:
    """One row: the database's clock, whether it can be written, import errors and `parsed_at`."""
    errors = select(func.count(schema.tables["import_error"].c.id)).scalar_subquery()
    parsed = _parsed_at(schema).scalar_subquery()
    return select(*dialect.vitals, errors.label("import_errors"), parsed.label("parsed_at"))


def _parsed_at(schema: AirflowSchema) -> Select[Any]:
    """When that DAG was parsed last which waits longest, once the LEFT_OUT oldest are left out.

    Those whose file fails keep their time, as do rows that Airflow forgets to clear away.
    """
    dag = schema.tables["dag"].c
    parsed = (
        select(
            dag.last_parsed_time,
            func.cume_dist().over(order_by=dag.last_parsed_time).label("share"),
        )
        .where(dag.last_parsed_time.is_not(None), _there(schema), _without_errors(schema))
        .subquery("parsed")
        .c
    )
    return select(func.min(parsed.last_parsed_time)).where(parsed.share > LEFT_OUT)


def triggers(schema: AirflowSchema) -> Select[Any]:
    """How many triggers of each queue each triggerer's job has."""
    trigger = schema.tables["trigger"].c
    queue = trigger.queue if "queue" in trigger else cast(null(), String())
    return select(
        trigger.triggerer_id, queue.label("queue"), func.count(trigger.id).label("triggers")
    ).group_by(trigger.triggerer_id, *((queue,) if "queue" in trigger else ()))


def with_executor(schema: AirflowSchema) -> Select[Any]:
    """The task instances that the executor has, row by row."""
    ti = schema.tables["task_instance"].c
    heartbeat = ti.last_heartbeat_at if "last_heartbeat_at" in ti else _beat_of_job(schema)
    return (
        select(
            ti.external_executor_id,
            ti.dag_id,
            ti.task_id,
            ti.run_id,
            ti.map_index,
            ti.state,
            ti.queue,
            ti.executor,
            ti.pool,
            ti.pool_slots,
            ti.queued_dttm,
            ti.start_date,
            heartbeat.label("last_heartbeat_at"),
            ti.hostname,
        )
        .where(ti.state.in_(WITH_EXECUTOR))
        .limit(MAX_TASKS + 1)
    )


def _beat_of_job(schema: AirflowSchema) -> ColumnElement[Any]:
    """The heartbeat of a task of Airflow 2, which is that of the job that runs it."""
    job, ti = schema.tables["job"].c, schema.tables["task_instance"].c
    return select(job.latest_heartbeat).where(job.id == ti.job_id).scalar_subquery()


def scheduled(schema: AirflowSchema) -> Select[Any]:
    """What the scheduler looks at when it admits tasks, those alike as one row.

    Grouped first, so that of a mapped task only one row looks for its run and its DAG.
    """
    ti = schema.tables["task_instance"].c
    run = schema.tables["dag_run"].c
    dag = schema.tables["dag"].c
    alike = (
        ti.dag_id,
        ti.run_id,
        ti.task_id,
        ti.queue,
        ti.executor,
        ti.pool,
        ti.pool_slots,
        ti.priority_weight,
    )
    since = ti.scheduled_dttm if "scheduled_dttm" in ti else ti.updated_at
    group = (
        select(
            *alike,
            func.count().label("tasks"),
            func.min(ti.map_index).label("map_index"),
            func.min(since).label("since"),
        )
        .where(ti.state == "scheduled")
        .group_by(*alike)
        .subquery("alike")
    )
    date = run.logical_date if schema.limits_runs else run.execution_date
    statement = (
        select(group, date.label("date"), dag.max_active_tasks)
        .where(run.dag_id == group.c.dag_id, run.run_id == group.c.run_id)
        .where(run.state == "running")
        .where(dag.dag_id == group.c.dag_id, dag.is_paused == false())
        .limit(MAX_TASKS + 1)
    )
    return statement if schema.limits_runs else statement.where(run.run_type != "backfill")


def pools(schema: AirflowSchema) -> Select[Any]:
    """All pools, with the slots of deferred tasks where those count."""
    ti = schema.tables["task_instance"].c
    pool = schema.tables["slot_pool"].c
    counting = select(pool.pool).where(pool.include_deferred == true())
    deferred = (
        select(ti.pool, cast(func.sum(ti.pool_slots), BigInteger).label("slots"))
        .where(ti.state == "deferred", ti.pool.in_(counting))
        .group_by(ti.pool)
        .subquery("deferred")
    )
    return select(
        pool.pool, pool.slots, func.coalesce(deferred.c.slots, 0).label("deferred")
    ).outerjoin_from(schema.tables["slot_pool"], deferred, deferred.c.pool == pool.pool)


def jobs(schema: AirflowSchema) -> Select[Any]:
    """The schedulers, triggerers and DAG processors that are called running, latest first."""
    job = schema.tables["job"].c
    return (
        select(job.id, job.job_type, job.hostname, job.latest_heartbeat)
        .where(job.state == "running", job.job_type.in_(JobKind))
        .where(job.latest_heartbeat.is_not(None))
        .order_by(job.latest_heartbeat.desc())
        .limit(MAX_JOBS)
    )


def next_runs(schema: AirflowSchema, until: Any) -> Select[Any]:
    """The DAGs whose next run is created by then, soonest first; those overdue among them."""
    dag = schema.tables["dag"].c
    statement = (
        select(dag.dag_id, dag.next_dagrun_create_after)
        .where(dag.next_dagrun_create_after <= until, dag.is_paused == false())
        .where(_without_errors(schema), _there(schema))
        .order_by(dag.next_dagrun_create_after)
        .limit(MAX_RUNS)
    )
    if "exceeds_max_non_backfill" in dag:
        statement = statement.where(dag.exceeds_max_non_backfill == false())
    return statement


def _there(schema: AirflowSchema) -> ColumnElement[bool]:
    """Whether a DAG's file still has it."""
    dag = schema.tables["dag"].c
    return ~dag.is_stale if "is_stale" in dag else dag.is_active


def _without_errors(schema: AirflowSchema) -> ColumnElement[bool]:
    return func.coalesce(schema.tables["dag"].c.has_import_errors, false()) == false()


def hidden(schema: AirflowSchema) -> Executable | None:
    """By queue and executor: what takes a slot and is no task; None where there is no such."""
    parts = list(_hidden(schema))
    if not parts:
        return None
    rows = union_all(*parts).subquery("hidden").c
    by = rows.queue, rows.executor
    return select(*by, func.count().label("tasks")).group_by(*by)


def _hidden(schema: AirflowSchema) -> Iterator[Select[Any]]:
    if "callback" in schema.tables:
        row = schema.tables["callback"].c
        told = _told(row.data, "queue"), _told(row.data, "executor")
        yield select(*told).where(row.type == "executor", row.state.in_(UNDER_WAY))
    if "connection_test_request" in schema.tables:
        row = schema.tables["connection_test_request"].c
        yield select(row.queue, row.executor).where(row.state.in_(UNDER_WAY))


def _told(data: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """A text in a callback's data, which Airflow wraps in its own notation for mappings."""
    wrapped = data[("__var", key)].as_string()
    return func.coalesce(wrapped, data[key].as_string()).label(key)

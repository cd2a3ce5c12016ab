"""Which queues Airflow uses, by what its DAGs did last: asked at starts, too dear for each tick."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select, tuple_

from autoscaler.clients.airflow.connection import Snapshot
from autoscaler.clients.airflow.schema import AirflowSchema
from autoscaler.clients.airflow.state import Defaults, Key
from autoscaler.model import AirflowQueue

RUNS_PER_QUERY = 200
ACTIVE = ("queued", "restarting", "running", "scheduled")


async def used_queues(snapshot: Snapshot, defaults: Defaults) -> frozenset[str]:
    """The queues of Celery executors in the last run of each DAG, of active tasks, the default.

    A DAG that never ran has none yet: only its serialized form would tell, which holds arguments
    that the user of the database need not be able to read.
    """
    used = _used(snapshot.schema)
    rows = [*await snapshot.rows(used.where(_task(snapshot.schema).state.in_(ACTIVE)))]
    runs = [tuple(row) for row in await snapshot.rows(_last_runs(snapshot.schema))]
    for start in range(0, len(runs), RUNS_PER_QUERY):
        some = runs[start : start + RUNS_PER_QUERY]
        task = _task(snapshot.schema)
        rows += await snapshot.rows(used.where(tuple_(task.dag_id, task.run_id).in_(some)))
    found = {defaults.key(row) for row in rows} | {(defaults.queue, defaults.executor)}
    return frozenset(queue.name for queue in map(_queue, found) if queue.for_celery)


def _queue(key: Key) -> AirflowQueue:
    return AirflowQueue(*key)


def _used(schema: AirflowSchema) -> Select[Any]:
    task = _task(schema)
    return select(task.queue, task.executor).distinct()


def _last_runs(schema: AirflowSchema) -> Select[Any]:
    run, dag = schema.tables["dag_run"].c, schema.tables["dag"].c
    present = ~dag.is_stale if "is_stale" in dag else dag.is_active
    last = select(func.max(run.id)).group_by(run.dag_id)
    return (
        select(run.dag_id, run.run_id)
        .where(run.id.in_(last))
        .where(run.dag_id == dag.dag_id, present)
    )


def _task(schema: AirflowSchema) -> Any:
    return schema.tables["task_instance"].c

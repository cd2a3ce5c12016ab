"""Which task of a DAG waits for which, out of a view that shows nothing else of serialized DAGs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, Select, select

from autoscaler.clients.airflow.connection import Snapshot
from autoscaler.clients.airflow.schema import VIEW, AirflowSchema
from autoscaler.clients.airflow.state import Defaults
from autoscaler.model import AirflowState, DagStructure, DagTask

MOST_DAGS = 50
MOST_KNOWN = 4_096
MOST_TASKS = 5_000
FRESH_SECONDS = 600.0
NO_EXECUTOR = ""


class Structures:
    """Looks at the DAGs that are at work or due, each now and then; tells of what has changed."""

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._now = 0.0
        self._wanted: dict[str, None] = {}
        self._looked_at: dict[str, float] = {}
        self._told: dict[str, DagStructure] = {}

    @property
    def waiting(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._wanted)

    def follow(self, state: AirflowState) -> None:
        """Note what one poll shows: DAGs at work first, then those that are due soonest."""
        self._now = state.at
        seen = [run.dag_id for run in state.runs] + [due.dag_id for due in state.next_runs]
        self._wanted = {
            dag_id: None
            for dag_id in dict.fromkeys(seen)
            if state.at - self._looked_at.get(dag_id, 0.0) > FRESH_SECONDS
        }

    async def read(self, snapshot: Snapshot) -> list[DagStructure]:
        """Those of MOST_DAGS DAGs that are new or other than they were told."""
        if VIEW not in snapshot.schema.tables:
            self._wanted.clear()
            return []
        found = []
        for dag_id in list(self._wanted)[:MOST_DAGS]:
            rows = await snapshot.rows(tasks_of(snapshot.schema, dag_id))
            self._wanted.pop(dag_id, None)
            self._looked_at.pop(dag_id, None)
            self._looked_at[dag_id] = self._now
            structure = self._structure(dag_id, rows)
            if structure.tasks and self._told.get(dag_id) != structure:
                self._told[dag_id] = structure
                found.append(structure)
        self._forget()
        return found

    def _structure(self, dag_id: str, rows: Iterable[Row[Any]]) -> DagStructure:
        """Of nothing when it is too large, or its tasks stand in a way that we do not know."""
        rows = list(rows)
        upstream: dict[str, list[str]] = {row.task_id: [] for row in rows if row.task_id}
        if len(rows) > MOST_TASKS or len(upstream) < len(rows):
            return DagStructure(dag_id, {})
        for row in rows:
            for below in _texts(row.downstream):
                upstream.get(below, []).append(row.task_id)
        return DagStructure(dag_id, {row.task_id: self._task(row, upstream) for row in rows})

    def _task(self, row: Row[Any], upstream: Mapping[str, list[str]]) -> DagTask:
        queue, executor = self._defaults.key(row)
        executor = NO_EXECUTOR if row.takes_no_slot else executor
        return DagTask(row.task_id, queue, executor, tuple(upstream[row.task_id]))

    def _forget(self) -> None:
        for dag_id in list(self._looked_at)[: max(0, len(self._looked_at) - MOST_KNOWN)]:
            del self._looked_at[dag_id]
            self._told.pop(dag_id, None)


def tasks_of(schema: AirflowSchema, dag_id: str) -> Select[Any]:
    """A DAG's tasks, as it was parsed last."""
    view = schema.tables[VIEW].c
    return (
        select(view.task_id, view.queue, view.executor, view.takes_no_slot, view.downstream)
        .where(view.dag_id == dag_id)
        .limit(MOST_TASKS + 1)
    )


def _texts(told: str | None) -> list[str]:
    """The texts of a JSON list; none of anything else."""
    try:
        found = json.loads(told or "[]")
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

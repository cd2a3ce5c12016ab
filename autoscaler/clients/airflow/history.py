"""DAG runs that are over: which of them to read, and what their tasks did. Rare, few, by key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Row, Select, func, select

from autoscaler.clients.airflow.connection import Snapshot
from autoscaler.clients.airflow.schema import AirflowSchema
from autoscaler.clients.airflow.state import Defaults
from autoscaler.clients.airflow.times import seconds_of
from autoscaler.model import AirflowState, FinishedRun, FinishedTask

MOST_RUNS = 100
MOST_TASKS = 5_000
LAST_RUNS = 3
MOST_FOLLOWED = 4_096
OVER = frozenset(("success", "failed"))
Run = tuple[str, str]


def state_of_run(schema: AirflowSchema, run: Run) -> Select[Any]:
    """Its state; no row when it is gone."""
    of = schema.tables["dag_run"].c
    return select(of.state).where(of.dag_id == run[0], of.run_id == run[1])


def last_runs(schema: AirflowSchema, dag_id: str) -> Select[Any]:
    """The runs of a DAG that ended last, of those with a date, by which there is an index."""
    run = schema.tables["dag_run"].c
    date = run.logical_date if schema.limits_runs else run.execution_date
    return (
        select(run.run_id)
        .where(run.dag_id == dag_id, run.state.in_(OVER), date.is_not(None))
        .order_by(date.desc())
        .limit(LAST_RUNS)
    )


def tasks_of(schema: AirflowSchema, run: Run) -> Select[Any]:
    """Its task instances that a worker has run. `ready_at` is none where nobody scheduled them."""
    ti = schema.tables["task_instance"].c
    ready = (ti.scheduled_dttm, ti.queued_dttm) if "scheduled_dttm" in ti else (ti.queued_dttm,)
    return (
        select(
            ti.task_id,
            ti.queue,
            ti.executor,
            func.coalesce(*ready).label("ready_at"),
            ti.start_date,
            ti.updated_at.label("ended_at"),
        )
        .where(ti.dag_id == run[0], ti.run_id == run[1])
        .where(ti.start_date.is_not(None), ti.updated_at.is_not(None))
        .limit(MOST_TASKS + 1)
    )


class History:
    """Follows the runs that each poll shows at work, and reads them once they are over.

    Of a DAG that is due soon and was not met before it reads the last runs. What one read cannot
    take on waits for the next; what a failed one had taken on is forgotten. All of it is bounded.
    """

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._skew = 0.0
        self._at_work: frozenset[Run] = frozenset()
        self._left: dict[Run, None] = {}
        self._due: dict[str, None] = {}
        self._met: dict[str, None] = {}

    @property
    def waiting(self) -> bool:
        """Whether there is anything to read."""
        return bool(self._left or self._due)

    def follow(self, state: AirflowState) -> None:
        """Note what one poll shows."""
        self._skew = state.clock_skew_seconds
        at_work = frozenset((task.dag_id, task.run_id) for task in state.tasks)
        for run in self._at_work - at_work:
            self._left[run] = None
        for run in at_work & self._left.keys():
            del self._left[run]
        self._at_work = at_work
        self._due = {each.dag_id: None for each in state.next_runs if each.dag_id not in self._met}
        _trim(self._left)

    async def read(self, snapshot: Snapshot, seconds: float) -> list[FinishedRun]:
        """What MOST_RUNS runs tell, or fewer once they have MOST_TASKS tasks together.

        One that has more by itself is passed over. After so many seconds the rest is for later.
        """
        clock = asyncio.get_running_loop().time
        until, tasks = clock() + seconds, 0
        await self._meet(snapshot)
        found: list[FinishedRun] = []
        for run in list(self._left)[:MOST_RUNS]:
            if await self._is_over(run, snapshot):
                rows = await snapshot.rows(tasks_of(snapshot.schema, run))
                tasks += len(rows)
                found += self._finished(run, rows) if len(rows) <= MOST_TASKS else ()
            if tasks >= MOST_TASKS or clock() >= until:
                break
        return found

    async def _meet(self, snapshot: Snapshot) -> None:
        """Add the last runs of as many new DAGs as there is room for, the soonest due first."""
        room = (MOST_RUNS - len(self._left)) // LAST_RUNS
        for dag_id in list(self._due)[: max(0, room)]:
            self._due.pop(dag_id, None)
            self._met[dag_id] = None
            for row in await snapshot.rows(last_runs(snapshot.schema, dag_id)):
                self._left[dag_id, row.run_id] = None
        _trim(self._met)

    async def _is_over(self, run: Run, snapshot: Snapshot) -> bool:
        """Take the run off the list, but for later if it only pauses. `follow` may come between."""
        self._left.pop(run, None)
        rows = await snapshot.rows(state_of_run(snapshot.schema, run))
        states = {row.state for row in rows}
        if states and not states & OVER and run not in self._at_work:
            self._left[run] = None
        return bool(states & OVER)

    def _finished(self, run: Run, rows: Iterable[Row[Any]]) -> Iterator[FinishedRun]:
        """Nothing when no task took a slot: then nobody knows when the run began."""
        tasks = tuple(self._tasks(rows))
        if tasks:
            yield FinishedRun(*run, min(task.ready_at for task in tasks), tasks)

    def _tasks(self, rows: Iterable[Row[Any]]) -> Iterator[FinishedTask]:
        """Those whose times fit together. What nobody scheduled never had a worker."""
        for row in rows:
            seconds = (row.ended_at - row.start_date).total_seconds()
            if row.ready_at is not None and seconds >= 0:
                ready_at = seconds_of(row.ready_at, self._skew)
                yield FinishedTask(*self._defaults.key(row), ready_at, seconds, row.task_id)


def _trim(kept: dict[Any, None]) -> None:
    """The newest of them only."""
    for key in list(kept)[: max(0, len(kept) - MOST_FOLLOWED)]:
        del kept[key]

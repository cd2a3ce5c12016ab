"""What Airflow's DAG runs still have to do, and which of a DAG's tasks wait for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A DAG run that is not over.

    created_at, started_at: Unix seconds by our clock; started_at is None while the run waits for
    its turn (`max_active_runs`). scheduled: its schedule made it, and not a person or a backfill.
    pending: task -> how many of its instances are neither over nor with the executor.
    """

    dag_id: str
    run_id: str
    created_at: float
    started_at: float | None
    scheduled: bool
    pending: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DagTask:
    """A task of a DAG: where it runs, and the tasks that must have ended before it."""

    task_id: str
    queue: str
    executor: str
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DagStructure:
    """A DAG's tasks by id, as it was parsed last; nothing of their arguments."""

    dag_id: str
    tasks: Mapping[str, DagTask]

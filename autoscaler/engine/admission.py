"""Which scheduled tasks Airflow's scheduler would admit now, and what holds the others up.

After `_executable_task_instances_to_queued` of Airflow's `scheduler_job_runner.py`, whose passes
end up where one walk in its order does: heavier tasks first, then older runs, then lower map
indexes; whatever fits is admitted, and a task that does not fit lets those behind it pass.
The limits max_active_tis_per_dag and max_active_tis_per_dagrun stand only in serialized DAGs and
are not looked at: a task that they hold up counts as admissible.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from autoscaler.model import AirflowPool, Block, Blocker


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The scheduled instances of one task of one run, all alike save for their map index.

    map_index: the lowest of them. run_date: what the scheduler sorts runs by, Unix seconds.
    since: since when the first of them is scheduled, Unix seconds, if that is known.
    """

    dag_id: str
    run_id: str
    task_id: str
    queue: str
    executor: str
    pool: str
    pool_slots: int
    priority_weight: int
    map_index: int
    run_date: float
    max_active_tasks: int
    tasks: int = 1
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken, and how much there is.

    parallelism: tasks that all schedulers together may have with their executors, None without
    limit; `occupied` of them they have. active: tasks that count against max_active_tasks, by DAG
    and run; runs: whether that limits each run (Airflow 3) or all runs of a DAG together.
    """

    pools: Mapping[str, AirflowPool]
    active: Mapping[tuple[str, str], int] = field(default_factory=dict)
    runs: bool = True
    parallelism: int | None = None
    occupied: int = 0


@dataclass(slots=True)
class Admission:
    """What becomes of the scheduled tasks of one queue and executor.

    blocked: tasks by what holds them up, the first of the scheduler's checks that they fail.
    A block's `used` includes what this admission lets in before. since: of the admissible.
    """

    admissible: int = 0
    blocked: dict[Block, int] = field(default_factory=dict)
    since: float | None = None

    @property
    def scheduled(self) -> int:
        """All of them."""
        return self.admissible + sum(self.blocked.values())


def admit(scheduled: Iterable[Scheduled], limits: Limits) -> dict[tuple[str, str], Admission]:
    """By queue and executor: how many of the tasks would be admitted, and what blocks the rest."""
    room = _Room(limits)
    admissions: dict[tuple[str, str], Admission] = {}
    held: Counter[tuple[tuple[str, str], Blocker, str]] = Counter()
    worst: dict[tuple[Blocker, str], Block] = {}
    heap = [(_order(alike), number, alike, alike.tasks) for number, alike in enumerate(scheduled)]
    heapq.heapify(heap)
    while heap:
        (weight, date, map_index), number, alike, tasks = heapq.heappop(heap)
        key = (alike.queue, alike.executor)
        admission = admissions.setdefault(key, Admission())
        block = room.refusal(alike)
        if block is not None:
            cause = (block.blocker, block.name)
            held[(key, *cause)] += tasks
            worst[cause] = max(block, worst.get(cause, block))
            continue
        room.take(alike)
        admission.admissible += 1
        admission.since = min(_known(admission.since, alike.since), default=None)
        if tasks > 1:
            heapq.heappush(heap, ((weight, date, map_index + 1), number, alike, tasks - 1))
    for (key, blocker, name), tasks in held.items():
        admissions[key].blocked[worst[blocker, name]] = tasks
    return admissions


def _order(alike: Scheduled) -> tuple[int, float, int]:
    return (-alike.priority_weight, alike.run_date, alike.map_index)


def _known(*times: float | None) -> Iterator[float]:
    return (time for time in times if time is not None)


class _Room:
    """How much is taken as the walk goes on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._occupied = limits.occupied
        self._slots = {name: pool.used for name, pool in limits.pools.items()}
        self._active: Counter[tuple[str, str]] = Counter()
        for (dag_id, run_id), tasks in limits.active.items():
            self._active[self._counted_by(dag_id, run_id)] += tasks

    def refusal(self, alike: Scheduled) -> Block | None:
        """Why the scheduler would not admit one of these tasks, by its first check that fails.

        It does not even look at tasks while it has as many as it may, so that comes first.
        """
        most = self._limits.parallelism
        if most is not None and self._occupied >= most:
            return Block(Blocker.PARALLELISM, "", self._occupied, most)
        return self._pool_refusal(alike) or self._dag_refusal(alike)

    def take(self, alike: Scheduled) -> None:
        """One of these tasks is admitted."""
        self._occupied += 1
        self._slots[alike.pool] += alike.pool_slots
        self._active[self._counted_by(alike.dag_id, alike.run_id)] += 1

    def _pool_refusal(self, alike: Scheduled) -> Block | None:
        """A pool that is not there has no slots."""
        pool = self._limits.pools.get(alike.pool)
        if pool is None:
            return Block(Blocker.POOL, alike.pool, 0, 0)
        used = self._slots[alike.pool]
        if pool.slots is None or (used < pool.slots and used + alike.pool_slots <= pool.slots):
            return None
        return Block(Blocker.POOL, alike.pool, used, pool.slots)

    def _dag_refusal(self, alike: Scheduled) -> Block | None:
        active = self._active[self._counted_by(alike.dag_id, alike.run_id)]
        if active < alike.max_active_tasks:
            return None
        return Block(Blocker.DAG_LIMIT, alike.dag_id, active, alike.max_active_tasks)

    def _counted_by(self, dag_id: str, run_id: str) -> tuple[str, str]:
        return (dag_id, run_id if self._limits.runs else "")

"""A DAG's structure made ready to be played: its tasks by number, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.model import DagStructure

Queue = tuple[str, str]
Key = tuple[str, str]
MOST_DAGS = 4_096
MOST_TASKS = 200_000


@dataclass(frozen=True, slots=True)
class DagPlan:
    """numbers: task -> its place in all others. names: as durations are learned under. queues:
    with the executor. below: who waits for it. above: for how many it waits.
    """

    numbers: Mapping[str, int]
    names: tuple[str, ...]
    queues: tuple[Queue, ...]
    below: tuple[tuple[int, ...], ...]
    above: tuple[int, ...]

    @classmethod
    def of(cls, structure: DagStructure) -> DagPlan:
        """What waits for a task that the structure lacks does not wait for it."""
        numbers = {task_id: number for number, task_id in enumerate(structure.tasks)}
        below: list[list[int]] = [[] for _ in numbers]
        above = [0] * len(numbers)
        for task_id, task in structure.tasks.items():
            for upstream in set(task.upstream) & numbers.keys():
                below[numbers[upstream]].append(numbers[task_id])
                above[numbers[task_id]] += 1
        return cls(
            numbers,
            tuple(f"{structure.dag_id}.{task_id}" for task_id in numbers),
            tuple((task.queue, task.executor) for task in structure.tasks.values()),
            tuple(tuple(sorted(each)) for each in below),
            tuple(above),
        )


@dataclass(frozen=True, slots=True)
class DagPlans:
    """Those of DAGs that were told of, by source and DAG, the least lately told first. A value.

    At most MOST_DAGS, and MOST_TASKS tasks in all.
    """

    by_dag: Mapping[Key, DagPlan] = field(default_factory=dict)
    tasks: int = 0

    def after(self, source: str, structures: Iterable[DagStructure]) -> DagPlans:
        """With these in the place of what was known of their DAGs."""
        told = {(source, each.dag_id): DagPlan.of(each) for each in structures}
        if not told:
            return self
        known = {key: plan for key, plan in self.by_dag.items() if key not in told} | told
        tasks = sum(len(plan.names) for plan in known.values())
        while len(known) > MOST_DAGS or tasks > MOST_TASKS:
            tasks -= len(known.pop(next(iter(known))).names)
        return DagPlans(known, tasks)

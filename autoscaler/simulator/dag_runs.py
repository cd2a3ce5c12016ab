"""A trace's DAG runs: which tasks are of one run, and what of them waits for what."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.model import ActiveRun, DagStructure, DagTask, FinishedRun, FinishedTask, NextRun
from autoscaler.simulator.crew import BEGIN, TaskRun

EXECUTOR = "CeleryExecutor"
BY_HAND = "backfill."
MINUTE = 60.0


def dag_and_task(key: str) -> tuple[str, str]:
    """The DAG of `DAG.GROUP.TASK`, and the task in it; a shorter key is both."""
    parts = key.rsplit(".", 2)
    return (parts[0], ".".join(parts[1:])) if len(parts) == 3 else (key, key)


@dataclass(slots=True, eq=False)
class DagRun:
    """The tasks of one DAG that were submitted at once. nominal: when its schedule has it.

    pending: task -> how many of it are neither over nor ready. left: how many are not over.
    """

    dag_id: str
    submit: float
    tasks: dict[str, TaskRun] = field(default_factory=dict)
    pending: Counter[str] = field(default_factory=Counter)
    left: int = 0
    _told: ActiveRun | None = None

    @property
    def nominal(self) -> float:
        return self.submit - self.submit % MINUTE

    @property
    def scheduled(self) -> bool:
        """Whether its schedule made it, so that it was known before."""
        return not self.dag_id.startswith(BY_HAND)

    @property
    def run_id(self) -> str:
        return f"{'scheduled' if self.scheduled else 'manual'}__{self.submit:.2f}"

    def add(self, run: TaskRun) -> None:
        """One more of its tasks."""
        self.tasks[run.task.id] = run
        self.pending[dag_and_task(run.task.key)[1]] += 1
        self.left += 1

    def ready(self, run: TaskRun) -> None:
        """One of its tasks went to the executor."""
        self.pending[dag_and_task(run.task.key)[1]] -= 1
        self._told = None

    def active(self) -> ActiveRun:
        """As Airflow has it; the same record for as long as nothing changes."""
        if self._told is None:
            at = BEGIN + self.submit
            pending = dict(+self.pending)
            self._told = ActiveRun(self.dag_id, self.run_id, at, at, self.scheduled, pending)
        return self._told

    def structure(self) -> DagStructure:
        """The DAG that it is a run of. What waits for tasks of other runs does not show."""
        tasks: dict[str, DagTask] = {}
        for run in self.tasks.values():
            task_id = dag_and_task(run.task.key)[1]
            above = (self.tasks[dep].task.key for dep in run.task.deps if dep in self.tasks)
            upstream = dict.fromkeys(dag_and_task(key)[1] for key in above)
            if task_id in tasks:
                upstream = {**dict.fromkeys(tasks[task_id].upstream), **upstream}
            upstream.pop(task_id, None)
            tasks[task_id] = DagTask(task_id, run.task.queue, EXECUTOR, tuple(upstream))
        return DagStructure(self.dag_id, tasks)

    def finished(self) -> FinishedRun:
        """What there is to learn from it, once it is over."""
        tasks = tuple(
            FinishedTask(
                run.task.queue,
                EXECUTOR,
                BEGIN + run.ready_at,
                run.ended_at - run.started_at,
                dag_and_task(run.task.key)[1],
            )
            for run in self.tasks.values()
            if run.ready_at is not None and run.ended_at is not None and run.started_at is not None
        )
        started_at = min(task.ready_at for task in tasks)
        return FinishedRun(self.dag_id, self.run_id, started_at, tasks)


def dag_runs(runs: Iterable[TaskRun]) -> tuple[Sequence[DagRun], Mapping[str, DagRun]]:
    """All DAG runs by when they were submitted, and that of each task by its id."""
    found: dict[tuple[str, float], DagRun] = {}
    owners: dict[str, DagRun] = {}
    for run in runs:
        dag_id = dag_and_task(run.task.key)[0]
        owner = found.get((dag_id, run.task.submit))
        if owner is None:
            owner = found[dag_id, run.task.submit] = DagRun(dag_id, run.task.submit)
        owner.add(run)
        owners[run.task.id] = owner
    return tuple(found.values()), owners


class Schedule:
    """Which runs have begun, and which their schedules have next. runs: by their submission."""

    def __init__(self, runs: Sequence[DagRun]) -> None:
        self._runs = runs
        self._begun = self._seen = 0
        self._due: dict[str, deque[DagRun]] = {}
        self._next_runs: tuple[NextRun, ...] | None = ()

    def look_ahead(self, until: float) -> Iterator[DagRun]:
        """The scheduled runs that come into sight: nominal until then, and not seen before."""
        while self._seen < len(self._runs) and self._runs[self._seen].nominal <= until:
            run = self._runs[self._seen]
            self._seen += 1
            if run.scheduled:
                self._due.setdefault(run.dag_id, deque()).append(run)
                self._next_runs = None
                yield run

    def begun(self, now: float) -> Iterator[DagRun]:
        """Those that were submitted by now, each once; what is begun was seen before."""
        while self._begun < self._seen and self._runs[self._begun].submit <= now:
            run = self._runs[self._begun]
            self._begun += 1
            if run.scheduled:
                self._due[run.dag_id].popleft()
                self._next_runs = None
            yield run

    def next_runs(self) -> tuple[NextRun, ...]:
        """Of each DAG in sight the next run, the soonest first."""
        if self._next_runs is None:
            first = sorted((due[0] for due in self._due.values() if due), key=_nominal)
            self._next_runs = tuple(NextRun(run.dag_id, BEGIN + run.nominal) for run in first)
        return self._next_runs


def _nominal(run: DagRun) -> float:
    return run.nominal

"""What DAG runs that are at work, and those that are due, will want of each queue's slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from zlib import crc32

from autoscaler.engine.dag_plan import DagPlan, DagPlans, Key
from autoscaler.engine.play import STEP_SECONDS, WAYS, Curves, Play, Present, laid_on, roots
from autoscaler.engine.profiles import Profiles
from autoscaler.model import AirflowState, Measured, Measurement, Snapshot

OVERDUE_SECONDS = 60.0  # a run that is due for longer is not about to begin
LONGEST_STEPS = 240
MOST_PLAYED = 4_096


@dataclass(slots=True)
class Outlook:
    """Knows the structure of DAGs. How runs that are due will go is worked out once for each DAG,
    and anew when a run of it is over or its structure changes.
    """

    plans: DagPlans = field(default_factory=DagPlans)
    _due: dict[tuple[Key, float, int], Curves] = field(default_factory=dict)

    def learn(self, snapshot: Snapshot) -> None:
        """Take in what one tick's polls told."""
        for source, state in snapshot.airflows.items():
            self.plans = self.plans.after(source, state.structures)
            changed = {(source, each.dag_id) for each in state.structures}
            changed |= {(source, each.dag_id) for each in state.finished_runs}
            for due in [due for due in self._due if due[0] in changed] if changed else ():
                del self._due[due]

    def curves(
        self, source: str, state: AirflowState, profiles: Profiles, within: float, seconds: float
    ) -> Curves:
        """Slots by queue in each of several ways that all runs may go, for so many seconds.

        within: how late tasks may start.
        """
        steps = min(LONGEST_STEPS, int(seconds // STEP_SECONDS) + 1)
        total: Curves = {}
        for dag_id, present in _at_work(source, state, self.plans):
            played = self._play((source, dag_id), profiles, within, steps).of(present)
            laid_on(total, played, 0.0, _turn(dag_id), steps)
        for dag_id, later in _coming(state, steps * STEP_SECONDS):
            key = (source, dag_id)
            if key in self.plans.by_dag:
                played = self._begun(key, profiles, within, steps)
                laid_on(total, played, later, _turn(dag_id), steps)
        return total

    def _begun(self, key: Key, profiles: Profiles, within: float, steps: int) -> Curves:
        due = key, within, steps
        if due not in self._due:
            if len(self._due) >= MOST_PLAYED:
                self._due.clear()
            present = roots(self.plans.by_dag[key])
            self._due[due] = self._play(key, profiles, within, steps).of(present)
        return self._due[due]

    def _play(self, key: Key, profiles: Profiles, within: float, steps: int) -> Play:
        plan = self.plans.by_dag[key]
        return Play(plan, profiles.of_task, within, steps)


def finished_tasks(snapshot: Snapshot) -> Iterator[Measurement]:
    """How long the tasks of runs that are over took, by Airflow's own account."""
    for run in chain.from_iterable(s.finished_runs for s in snapshot.airflows.values()):
        for task in run.tasks:
            if task.task_id:
                name, seconds = f"{run.dag_id}.{task.task_id}", task.run_seconds
                yield Measurement(Measured.FINISHED_TASK, name, seconds, snapshot.now)


def _at_work(source: str, state: AirflowState, plans: DagPlans) -> Iterator[tuple[str, Present]]:
    """Runs with tasks that wait for a slot or use one; what else they wait for ends by itself."""
    tasks: dict[tuple[str, str], list[tuple[str, float | None]]] = {}
    for task in state.tasks:
        elapsed = None if task.started_at is None else max(0.0, state.at - task.started_at)
        tasks.setdefault((task.dag_id, task.run_id), []).append((task.task_id, elapsed))
    for run in state.runs:
        plan = plans.by_dag.get((source, run.dag_id))
        at_work = tasks.get((run.dag_id, run.run_id))
        if plan is not None and at_work is not None:
            yield run.dag_id, _present(plan, at_work, run.pending)


def _present(
    plan: DagPlan, tasks: Iterable[tuple[str, float | None]], pending: Mapping[str, int]
) -> Present:
    numbers = plan.numbers
    return Present(
        tuple((numbers[task], elapsed) for task, elapsed in tasks if task in numbers),
        {numbers[task]: n for task, n in pending.items() if task in numbers and n > 0},
    )


def _coming(state: AirflowState, seconds: float) -> Iterator[tuple[str, float]]:
    """DAGs whose next run begins within so many seconds, and after how many."""
    for due in state.next_runs:
        later = due.at - state.at
        if -OVERDUE_SECONDS <= later < seconds:
            yield due.dag_id, max(0.0, later)


def _turn(dag_id: str) -> int:
    return crc32(dag_id.encode()) % WAYS

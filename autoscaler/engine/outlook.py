"""What DAG runs that are at work, and those that are due, will want of each queue's slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from zlib import crc32

from autoscaler.engine.dag_plan import DagPlan, DagPlans, Key
from autoscaler.engine.footprints import Footprints
from autoscaler.engine.past_runs import as_before, at_least
from autoscaler.engine.play import STEP_SECONDS, WAYS, Curves, Play, Present, laid_on, roots
from autoscaler.engine.profiles import Profiles
from autoscaler.model import AirflowState, AirflowTask, Measured, Measurement, Snapshot

OVERDUE_SECONDS = 60.0  # a run that is due for longer is not about to begin
LONGEST_STEPS = 240
MOST_PLAYED = 4_096


@dataclass(frozen=True, slots=True)
class AtWork:
    """A run with its tasks that are with the executor, and for how long it has been going on.

    pending: task -> how many instances come yet; None where nobody tells. at: when this was so.
    """

    dag_id: str
    tasks: Sequence[AirflowTask]
    elapsed: float
    pending: Mapping[str, int] | None
    at: float

    def ran(self, task: AirflowTask) -> float | None:
        """For how long a task of it has run (seconds); None while it waits."""
        return None if task.started_at is None else max(0.0, self.at - task.started_at)


@dataclass(slots=True)
class Outlook:
    """Knows the structure of DAGs, and what their last runs used. How runs that are due will go is
    worked out once for each DAG, and anew when a run of it is over or its structure changes.
    """

    plans: DagPlans = field(default_factory=DagPlans)
    footprints: Footprints = field(default_factory=Footprints)
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
        for run in _at_work(state):
            played = self._going_on((source, run.dag_id), run, profiles, within, steps)
            laid_on(total, played, 0.0, _turn(run.dag_id), steps)
        for dag_id, later in _coming(state, steps * STEP_SECONDS):
            played = self._begun((source, dag_id), profiles, within, steps)
            laid_on(total, played, later, _turn(dag_id), steps)
        return total

    def _going_on(
        self, key: Key, run: AtWork, profiles: Profiles, within: float, steps: int
    ) -> Curves:
        """By its structure; else as the runs before it, but not less than what it has now."""
        plan, footprint = self.plans.by_dag.get(key), self.footprints.of(*key)
        if plan is not None and run.pending is not None:
            return self._play(key, profiles, within, steps).of(_present(plan, run))
        curves = {} if footprint is None else as_before(footprint, run.elapsed, within, steps)
        for queue, number in Counter((task.queue, task.executor) for task in run.tasks).items():
            at_least(curves, queue, number, steps)
        return curves

    def _begun(self, key: Key, profiles: Profiles, within: float, steps: int) -> Curves:
        due = key, within, steps
        if due not in self._due:
            if len(self._due) >= MOST_PLAYED:
                self._due.clear()
            self._due[due] = self._from_the_start(key, profiles, within, steps)
        return self._due[due]

    def _from_the_start(self, key: Key, profiles: Profiles, within: float, steps: int) -> Curves:
        if key in self.plans.by_dag:
            present = roots(self.plans.by_dag[key])
            return self._play(key, profiles, within, steps).of(present)
        footprint = self.footprints.of(*key)
        return {} if footprint is None else as_before(footprint, 0.0, within, steps)

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


def _at_work(state: AirflowState) -> Iterator[AtWork]:
    """Runs with tasks that wait for a slot or use one; what else they wait for ends by itself."""
    tasks: dict[tuple[str, str], list[AirflowTask]] = {}
    for task in state.tasks:
        tasks.setdefault((task.dag_id, task.run_id), []).append(task)
    active = {(run.dag_id, run.run_id): run for run in state.runs}
    for (dag_id, run_id), at_work in tasks.items():
        run = active.get((dag_id, run_id))
        times = (task.queued_at or task.started_at or state.at for task in at_work)
        began = run.started_at if run is not None else None
        elapsed = state.at - (min(times) if began is None else began)
        yield AtWork(dag_id, at_work, max(0.0, elapsed), run.pending if run else None, state.at)


def _present(plan: DagPlan, run: AtWork) -> Present:
    numbers, pending = plan.numbers, run.pending or {}
    return Present(
        tuple(
            (numbers[task.task_id], run.ran(task)) for task in run.tasks if task.task_id in numbers
        ),
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

"""What a fleet needs to start its tasks in time: now, and when new workers could be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import ceil
from statistics import fmean

from autoscaler.engine.echoes import Echoes
from autoscaler.engine.first_worker import start_seconds
from autoscaler.engine.outlook import Outlook
from autoscaler.engine.play import STEP_SECONDS, WAYS, Curves
from autoscaler.engine.profiles import Profiles
from autoscaler.engine.samples import value_of
from autoscaler.engine.surprises import Surprises
from autoscaler.model import (
    AirflowState,
    FleetSnapshot,
    Forecast,
    Job,
    Objective,
    Sample,
    Samples,
    Snapshot,
    TimetableState,
)

STEADY_SECONDS = 60.0
SHARED = 4.0  # of the ways a run may go, four times as many may want more as tasks may be late
EXPECTED = "expected_tasks"


@dataclass(frozen=True, slots=True)
class Foresight:
    """What the last ticks needed, as (Unix seconds, slots), what surprised them, and what jobs of a
    timetable brought. A value.
    """

    recent: tuple[tuple[float, float], ...] = ()
    surprises: Surprises = field(default_factory=Surprises)
    echoes: Echoes = field(default_factory=Echoes)

    def after(
        self,
        snapshot: FleetSnapshot,
        profiles: Profiles,
        airflow: AirflowState | None,
        curves: Curves,
        jobs: Sequence[Job] = (),
    ) -> tuple[Foresight, FleetSnapshot]:
        """With this tick, and the snapshot with its forecast. Unknown demand has none."""
        objective = snapshot.fleet.objective
        busy = value_of(snapshot.samples, "running_tasks")
        queued = value_of(snapshot.samples, "waiting_tasks")
        if objective is None or busy is None or queued is None:
            return self, snapshot
        within, now = objective.start_within_seconds, snapshot.now
        waiting = queued * _share_of_queued(snapshot, profiles, airflow, within)
        level = busy + waiting
        recent = tuple(each for each in self.recent if 0 <= now - each[0] < STEADY_SECONDS)
        recent = (*recent, (now, level))
        steady = fmean(each for _, each in recent)
        due = _busy_within(snapshot, profiles, busy, within) + waiting
        ahead = ahead_seconds(snapshot, objective)
        peak = _peak(snapshot, curves, objective, ahead)
        echoes = self.echoes.after(jobs, now, _bounded(snapshot, level))
        expected = max(0.0, peak - level) + echoes.expected(jobs, now, ahead)
        unsure = SHARED / 2 * (1.0 - objective.quantile)
        came, foreseen = _bounded(snapshot, level), _bounded(snapshot, level + expected)
        surprises = self.surprises.after(now, came, foreseen, ahead, 1.0 - unsure)
        forecast = Forecast(
            busy=int(busy),
            queued=int(queued),
            needed=min(level, max(due, steady)),
            expected=expected,
            until=now + ahead,
            spare=float(int(surprises.spare)) if level else 0.0,
        )
        told = Sample(EXPECTED, expected, now)
        samples = Samples([told], below=snapshot.samples, own=(EXPECTED,))
        return Foresight(recent, surprises, echoes), replace(
            snapshot, forecast=forecast, samples=samples
        )


def foresee(
    views: Mapping[str, FleetSnapshot],
    before: Mapping[str, Foresight],
    snapshot: Snapshot,
    outlook: Outlook,
    profiles: Profiles,
) -> dict[str, tuple[Foresight, FleetSnapshot]]:
    """Every fleet's view with its forecast; those of one promise share what DAG runs will want."""
    wanted: dict[tuple[str, float], float] = {}
    for view in views.values():
        objective, source = view.fleet.objective, view.fleet.airflow or ""
        if objective is not None and source in snapshot.airflows:
            key = source, objective.start_within_seconds
            wanted[key] = max(wanted.get(key, 0.0), ahead_seconds(view, objective))
    curves = {
        (source, within): outlook.curves(
            source, snapshot.airflows[source], profiles, within, seconds
        )
        for (source, within), seconds in wanted.items()
    }
    found = {}
    for name, view in views.items():
        objective, source = view.fleet.objective, view.fleet.airflow or ""
        within = objective.start_within_seconds if objective else 0.0
        runs = curves.get((source, within), {})
        airflow = snapshot.airflows.get(source)
        jobs = _jobs(snapshot, view)
        found[name] = before.get(name, Foresight()).after(view, profiles, airflow, runs, jobs)
    return found


def _jobs(snapshot: Snapshot, view: FleetSnapshot) -> tuple[Job, ...]:
    """Those of timetables that send tasks to this fleet."""
    tables = (o for o in snapshot.observations.values() if isinstance(o, TimetableState))
    jobs = chain.from_iterable(table.jobs for table in tables)
    return tuple(job for job in jobs if not job.queues.isdisjoint(view.fleet.queues))


def ahead_seconds(snapshot: FleetSnapshot, objective: Objective) -> float:
    """How far need must be foreseen: a worker asked for at the next tick can serve what comes then.

    90 % of starts are quicker, and a task may wait for as long as is promised.
    """
    interval = snapshot.fleet.interval_seconds
    late = start_seconds(snapshot.start_up) - objective.start_within_seconds
    return interval + max(0.0, late)


def _share_of_queued(
    snapshot: FleetSnapshot, profiles: Profiles, airflow: AirflowState | None, within: float
) -> float:
    """How many slots a waiting task needs: short ones take turns within the time they have."""
    queues = snapshot.fleet.queues
    names = (
        f"{task.dag_id}.{task.task_id}"
        for task in (airflow.tasks if airflow else ())
        if task.started_at is None and task.queue in queues
    )
    shares = [_share(profiles, name, within) for name in names] or [_share(profiles, "", within)]
    return fmean(shares)


def _busy_within(snapshot: FleetSnapshot, profiles: Profiles, busy: float, within: float) -> float:
    """Slots that the running tasks of serving workers take within that time, others freed."""
    airflow = {} if snapshot.airflow is None else snapshot.airflow.running
    taken, tasks = 0.0, 0
    for replica in snapshot.replicas:
        if not replica.serving or replica.worker is None:
            continue
        for task in replica.worker.active or ():
            elapsed = max(0.0, snapshot.now - (task.started_at or snapshot.now))
            taken += _share(profiles, airflow.get(task.id, task.name), within, elapsed)
            tasks += 1
    return taken + max(0.0, busy - tasks)


def _share(profiles: Profiles, name: str, within: float, elapsed: float = 0.0) -> float:
    known = profiles.of_task(name)
    return 1.0 if known is None else known.share(within, elapsed)


def _peak(snapshot: FleetSnapshot, curves: Curves, objective: Objective, ahead: float) -> float:
    """The most slots that DAG runs will use at once until then, in most of the ways they may go.

    What draining workers run needs no slot of others.
    """
    ours = [ways for queue, ways in curves.items() if _serves(snapshot, *queue)]
    if not ours:
        return 0.0
    steps = ceil(ahead / STEP_SECONDS)
    peaks = sorted(_highest([ways[way] for ways in ours], steps) for way in range(WAYS))
    certain = 1.0 - SHARED * (1.0 - objective.quantile)
    return peaks[min(WAYS - 1, max(0, int(certain * WAYS)))] - _leaving(snapshot)


def _bounded(snapshot: FleetSnapshot, slots: float) -> float:
    """With what draining workers run; never more than all replicas have.

    So that a reading that was wrong by far, or a heap of messages, is not remembered for hours.
    """
    each = value_of(snapshot.samples, "slots_per_replica") or 1.0
    return min(slots + _leaving(snapshot), each * snapshot.fleet.max_replicas)


def _leaving(snapshot: FleetSnapshot) -> int:
    """Tasks that draining workers run."""
    return sum(r.worker.busy or 0 for r in snapshot.replicas if r.draining and r.worker)


def _serves(snapshot: FleetSnapshot, queue: str, executor: str) -> bool:
    return queue in snapshot.fleet.queues and "Celery" in executor


def _highest(curves: Sequence[Sequence[float]], steps: int) -> float:
    return max(map(sum, zip(*(curve[:steps] for curve in curves), strict=True)))

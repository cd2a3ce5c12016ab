"""Times tasks, starts and slots of one fleet by what its ticks show; asks for nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autoscaler.model import ActiveTask, FleetSnapshot, Measured, Measurement, Replica, Unit

Identity = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Timed:
    """A task that runs on a unit, and when it was first seen to have ended for Airflow."""

    name: str
    unit: Identity
    started_at: float
    ended_at: float | None = None

    def still(self, task: ActiveTask, replica: Replica) -> bool:
        """Whether all of it is as it was."""
        same_task = (task.name, task.started_at) == (self.name, self.started_at)
        return same_task and _identity(replica.unit) == self.unit


@dataclass(frozen=True, slots=True)
class Learning:
    """What is being timed. A value: `after` returns the next one, and what has ended.

    A task is timed from its worker's account of its start until its worker no longer tells of it,
    so to within a tick. One that goes with its unit, or while its worker is silent, is not.
    """

    tasks: Mapping[str, Timed] = field(default_factory=dict)
    starting: frozenset[Identity] = frozenset()

    def after(self, snapshot: FleetSnapshot) -> tuple[Learning, tuple[Measurement, ...]]:
        """With what one tick tells."""
        if f"target/{snapshot.fleet.name}" in snapshot.missing:
            return self, ()
        telling = {_identity(r.unit): r for r in snapshot.replicas if _tells(r)}
        running = {
            task.id: self._timed(task, replica, snapshot)
            for replica in telling.values()
            for task in (replica.worker and replica.worker.active) or ()
            if task.started_at is not None
        }
        present = {_identity(replica.unit) for replica in snapshot.replicas}
        unseen = {
            task_id: timed
            for task_id, timed in self.tasks.items()
            if timed.unit in present and timed.unit not in telling
        }
        ended = [
            timed
            for task_id, timed in self.tasks.items()
            if task_id not in running and timed.unit in telling
        ]
        starting = {_identity(r.unit) for r in snapshot.replicas if r.serving and not r.ready}
        measured = (*self._ended(ended, snapshot.now), *self._started(snapshot))
        return Learning({**unseen, **running}, frozenset(starting)), measured

    def _timed(self, task: ActiveTask, replica: Replica, snapshot: FleetSnapshot) -> Timed:
        """Of a task that Airflow no longer calls running only the slot is still in use."""
        before = self.tasks.get(task.id)
        if snapshot.airflow is None and before is not None and before.still(task, replica):
            return before
        airflow = {} if snapshot.airflow is None else snapshot.airflow.running
        name = airflow.get(task.id) or (before.name if before else task.name)
        ended_at = before.ended_at if before else None
        known = before is not None and before.name != task.name
        if snapshot.airflow is not None and known and task.id not in airflow and ended_at is None:
            ended_at = snapshot.now
        return Timed(name, _identity(replica.unit), task.started_at or snapshot.now, ended_at)

    def _ended(self, tasks: list[Timed], now: float) -> Iterator[Measurement]:
        for timed in tasks:
            if now > timed.started_at:
                yield Measurement(Measured.TASK, timed.name, now - timed.started_at, now)
            if timed.ended_at is not None:
                seconds = now - timed.ended_at
                yield Measurement(Measured.SLOT_RELEASE, timed.name, seconds, now)

    def _started(self, snapshot: FleetSnapshot) -> Iterator[Measurement]:
        for replica in snapshot.replicas:
            seconds = snapshot.now - replica.unit.created_at
            if replica.ready and _identity(replica.unit) in self.starting and seconds >= 0:
                yield Measurement(Measured.START, snapshot.fleet.name, seconds, snapshot.now)


def _tells(replica: Replica) -> bool:
    worker = replica.worker
    return worker is not None and worker.active is not None and not replica.silent


def _identity(unit: Unit) -> Identity:
    return unit.name, unit.created_at

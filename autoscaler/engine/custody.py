"""Which tasks of Airflow each unit was seen with: it is empty only when Airflow says so as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from autoscaler.model import AirflowDemand, FleetSnapshot, Replica, Unit, WorkerState

Identity = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Custody:
    """Celery ids of tasks by unit. A value: `after` returns the next one.

    They are kept until Airflow no longer calls them running, whatever the worker says, and whether
    or not the unit is listed.
    """

    tasks: Mapping[Identity, frozenset[str]] = field(default_factory=dict)

    def after(self, snapshot: FleetSnapshot) -> Custody:
        """With what one tick tells; nothing is forgotten while Airflow or the units are unread."""
        if snapshot.fleet.airflow is None or f"target/{snapshot.fleet.name}" in snapshot.missing:
            return self
        seen = dict(self.tasks)
        for replica in snapshot.replicas:
            identity = _identity(replica.unit)
            seen[identity] = seen.get(identity, frozenset()) | _active(replica.worker)
        if snapshot.airflow is not None:
            seen = {unit: tasks & snapshot.airflow.running.keys() for unit, tasks in seen.items()}
        return Custody({unit: tasks for unit, tasks in seen.items() if tasks})

    def laid_on(self, replica: Replica, airflow: AirflowDemand | None) -> Replica:
        """The replica with the tasks that Airflow calls running, and its worker does not."""
        held = self.tasks.get(_identity(replica.unit))
        if airflow is None or not held:
            return replica
        lingering = len((held & airflow.running.keys()) - _active(replica.worker))
        return replace(replica, lingering=lingering) if lingering else replica


def _active(worker: WorkerState | None) -> frozenset[str]:
    tasks = worker.active if worker is not None else None
    return frozenset(task.id for task in tasks or ())


def _identity(unit: Unit) -> Identity:
    return unit.name, unit.created_at

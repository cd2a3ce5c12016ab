"""A fleet's own samples: what waits and runs on its queues, since when, and on how many slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from autoscaler.model import (
    AirflowDemand,
    Fleet,
    QueueState,
    Replica,
    Sample,
    Snapshot,
    WorkerState,
)

FLEET_SAMPLES = (
    "demand_tasks",
    "waiting_tasks",
    "running_tasks",
    "queue_depth",
    "oldest_task_age_seconds",
    "utilization",
    "slots_per_replica",
    "busy_slots",
    "slots",
)


def fleet_samples(
    fleet: Fleet,
    snapshot: Snapshot,
    replicas: Sequence[Replica],
    airflow: AirflowDemand | None,
    missing: Mapping[str, str],
) -> Iterator[Sample]:
    """The fleet's samples; those that rest on something unread are left out.

    demand_tasks = waiting_tasks + running_tasks. Running are the tasks of serving workers: what a
    draining worker still runs needs no slot of another.
    """
    now = snapshot.now
    queues = [snapshot.queues[queue] for queue in fleet.queues if queue in snapshot.queues]
    whole = fleet.queues and not (snapshot.worker_sources & missing.keys())
    if whole and len(queues) == len(fleet.queues):
        for queue in queues:
            yield Sample("queue_depth", queue.waiting, now, {"queue": queue.name})
    waiting = _waiting(fleet, queues, replicas, airflow)
    if whole and waiting is not None:
        running = sum(worker.busy or 0 for worker in _serving(replicas))
        yield Sample("waiting_tasks", waiting, now)
        yield Sample("running_tasks", running, now)
        yield Sample("demand_tasks", waiting + running, now)
        age = _oldest_age(now, queues, airflow)
        if age is not None:
            yield Sample("oldest_task_age_seconds", age, now)
    yield from _slots(fleet, now, replicas)


def _waiting(
    fleet: Fleet,
    queues: Sequence[QueueState],
    replicas: Sequence[Replica],
    airflow: AirflowDemand | None,
) -> int | None:
    """Tasks that a free slot would start: by Airflow's account where it has one.

    Else those in the queues and those that serving workers have fetched and not begun.
    """
    if fleet.airflow is not None:
        return None if airflow is None else airflow.waiting
    if len(queues) < len(fleet.queues):
        return None
    fetched = sum(worker.reserved or 0 for worker in _serving(replicas))
    return sum(queue.waiting for queue in queues) + fetched


def _serving(replicas: Iterable[Replica]) -> list[WorkerState]:
    return [r.worker for r in replicas if r.serving and r.worker is not None]


def _oldest_age(
    now: float, queues: Iterable[QueueState], airflow: AirflowDemand | None
) -> float | None:
    if airflow is not None:
        return 0.0 if airflow.oldest_at is None else max(0.0, now - airflow.oldest_at)
    ages = [0.0 if queue.waiting == 0 else queue.oldest_age_seconds for queue in queues]
    known = [age for age in ages if age is not None]
    return max(known) if len(known) == len(ages) else None


def _slots(fleet: Fleet, now: float, replicas: Iterable[Replica]) -> Iterator[Sample]:
    busy_slots = slots = 0
    measured = []
    for replica in replicas:
        worker = replica.worker
        if worker is None or not worker.slots:
            continue
        measured.append(worker.slots)
        if not replica.serving or replica.silent or worker.busy is None:
            continue
        busy_slots += worker.busy
        slots += worker.slots
        labels = {"unit": replica.name}
        yield Sample("busy_slots", worker.busy, now, labels)
        yield Sample("slots", worker.slots, now, labels)
    if slots:
        yield Sample("utilization", busy_slots / slots, now)
    if fleet.slots_per_replica or measured:
        each = fleet.slots_per_replica or median(measured)
        yield Sample("slots_per_replica", each, now)

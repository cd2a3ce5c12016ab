"""The first worker of an Airflow fleet comes in time, whatever would hold it back."""

from __future__ import annotations

from autoscaler.engine.hearing import STARTING_SECONDS
from autoscaler.engine.wording import span
from autoscaler.model import FleetSnapshot, Select, Stage, StartUp, Step

SHARE_OF_TIMEOUT = 0.5


def start_seconds(start_up: StartUp | None) -> float:
    """How long a unit may take to start: what nine of ten did, or our patience for the first."""
    return STARTING_SECONDS if start_up is None else start_up.p90_seconds


def first_worker(snapshot: FleetSnapshot, proposed: int, ceiling: int | None) -> Step | None:
    """Ask for one replica before Airflow gives up on tasks that no ready worker could take.

    That is when the oldest one will have waited for half of task_queued_timeout once a new worker
    takes tasks. It goes past stabilization, rates and thresholds, but not past what the operator
    ruled out: a ceiling or a maximum of none, or scaling up disabled.
    """
    demand, behavior = snapshot.airflow, snapshot.fleet.behavior
    if demand is None or demand.oldest_at is None or not demand.waiting or snapshot.ready:
        return None
    if behavior is not None and behavior.scale_up.select is Select.DISABLED:
        return None
    most = snapshot.fleet.max_replicas if ceiling is None else ceiling
    least = min(1, most, snapshot.fleet.max_replicas)
    age, starting = snapshot.now - demand.oldest_at, start_seconds(snapshot.start_up)
    timeout = demand.task_queued_timeout_seconds
    if proposed >= least or age + starting <= SHARE_OF_TIMEOUT * timeout:
        return None
    message = (
        f"no worker is ready, a task has waited for {span(age)} and a worker takes {span(starting)}"
        f" to start, and Airflow gives the task up after {span(timeout)}"
    )
    return Step(Stage.GUARD, proposed, least, "QueuedTooLong", message)

"""A fleet's share of what Airflow wants done: what a free slot would start, what waits for else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from autoscaler.model import (
    AirflowDemand,
    AirflowQueue,
    AirflowState,
    Block,
    Fleet,
    JobKind,
    WorkerState,
)

RUNNING = ("running", "restarting")
ADMITTED_WITHIN_SECONDS = 30.0


def airflow_demand(
    fleet: Fleet, state: AirflowState, workers: Iterable[WorkerState]
) -> AirflowDemand:
    """What the fleet's queues ask for by Airflow's own account.

    Queued tasks that a worker runs already wait no more, though Airflow learns of it seconds later.
    Tasks that the scheduler could queue at once and leaves alone for long are no demand: workers
    would not start them.
    """
    queues = [q for q in state.queues.values() if q.name in fleet.queues and q.for_celery]
    taken = {task.id for worker in workers for task in worker.active or ()}
    begun = sum(
        task.state == "queued" and task.queue in fleet.queues and task.id in taken
        for task in state.tasks
    )
    prompt = [queue for queue in queues if not _left_alone(queue, state.at)]
    blocked: Counter[Block] = Counter()
    for queue in queues:
        blocked.update(queue.blocked)
    admissible = sum(queue.admissible for queue in queues)
    admitted = sum(queue.admissible for queue in prompt)
    queued = max(0, sum(queue.queued for queue in queues) - begun)
    return AirflowDemand(
        waiting=queued + admitted + sum(queue.hidden for queue in queues),
        running={
            task.id: f"{task.dag_id}.{task.task_id}"
            for task in state.tasks
            if task.id and task.state in RUNNING
        },
        left_alone=admissible - admitted,
        blocked=dict(blocked),
        oldest_at=min(_oldest(queues, prompt), default=None),
        scheduler_seen_at=max(
            (job.heartbeat_at for job in state.jobs if job.kind is JobKind.SCHEDULER), default=None
        ),
        task_queued_timeout_seconds=state.task_queued_timeout_seconds,
    )


def _left_alone(queue: AirflowQueue, now: float) -> bool:
    since = queue.oldest_admissible_at
    return since is not None and now - since > ADMITTED_WITHIN_SECONDS


def _oldest(queues: Iterable[AirflowQueue], prompt: Iterable[AirflowQueue]) -> Iterable[float]:
    yield from (q.oldest_queued_at for q in queues if q.oldest_queued_at is not None)
    yield from (q.oldest_admissible_at for q in prompt if q.oldest_admissible_at is not None)

"""A fleet's share of Airflow's work, and its word against that of the broker."""

from __future__ import annotations

from typing import Any

from autoscaler.engine.airflow_demand import airflow_demand
from autoscaler.model import (
    ActiveTask,
    AirflowJob,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    Block,
    Blocker,
    JobKind,
)
from tests.records import NOW, fleet, worker

POOL = Block(Blocker.POOL, "small", 1, 1)
LIMIT = Block(Blocker.DAG_LIMIT, "etl", 2, 2)


def queue(name: str = "default", executor: str = "CeleryExecutor", **counts: Any) -> AirflowQueue:
    return AirflowQueue(name, executor, **counts)


def state(*queues: AirflowQueue, **more: Any) -> AirflowState:
    return AirflowState(NOW, "3.3", {(q.name, q.executor): q for q in queues}, **more)


def queued(task_id: str | None, queue: str = "default", what: str = "queued") -> AirflowTask:
    return AirflowTask(task_id, "etl", "extract", "run", -1, what, queue)


def test_waiting_is_what_a_free_slot_would_start():
    found = airflow_demand(fleet(), state(queue(queued=5, admissible=3, hidden=2, running=9)), ())
    assert (found.waiting, found.blocked, found.left_alone) == (10, {}, 0)


def test_only_the_fleets_queues_and_celery_count():
    others = (queue("heavy", queued=5), queue("default", "KubernetesExecutor", queued=7))
    both = (queue(queued=1), queue("high", queued=1))
    found = airflow_demand(fleet(queues=("default", "high")), state(*others, *both), ())
    assert found.waiting == 2


def test_a_queued_task_that_a_worker_runs_already_waits_no_more():
    tasks = (
        queued("ran-1"),
        queued("waits"),
        queued(None),
        queued("ran-2", "heavy"),
        queued("ran-3", what="running"),
    )
    names = ("ran-1", "ran-2", "ran-3", "strange")
    busy = worker("a@host", active=tuple(ActiveTask(name, "execute_workload") for name in names))
    deaf = worker("b@host", active=None)
    found = airflow_demand(fleet(), state(queue(queued=3), tasks=tasks), (busy, deaf))
    assert found.waiting == 2


def test_what_the_scheduler_leaves_alone_is_no_demand():
    stuck = queue("default", admissible=4, oldest_admissible_at=NOW - 31)
    fresh = queue("high", admissible=1, oldest_admissible_at=NOW - 29)
    found = airflow_demand(fleet(queues=("default", "high")), state(stuck, fresh), ())
    assert (found.waiting, found.left_alone, found.oldest_at) == (1, 4, NOW - 29)


def test_blocks_of_all_queues_are_summed_and_the_oldest_told():
    high = queue("high", blocked={POOL: 3, LIMIT: 1}, oldest_queued_at=NOW - 90)
    low = queue("default", blocked={POOL: 2}, oldest_queued_at=NOW - 10)
    found = airflow_demand(fleet(queues=("default", "high")), state(high, low), ())
    assert (found.waiting, found.blocked, found.oldest_at) == (0, {POOL: 5, LIMIT: 1}, NOW - 90)


def test_the_scheduler_that_was_heard_last_counts():
    jobs = [(JobKind.SCHEDULER, 50.0), (JobKind.SCHEDULER, 3.0), (JobKind.TRIGGERER, 1.0)]
    made = tuple(AirflowJob(kind, "host", NOW - age) for kind, age in jobs)
    assert airflow_demand(fleet(), state(jobs=made), ()).scheduler_seen_at == NOW - 3
    assert airflow_demand(fleet(), state(), ()).scheduler_seen_at is None

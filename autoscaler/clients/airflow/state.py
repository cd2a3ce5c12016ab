"""Makes the record of one poll out of its rows: our clock, Airflow's defaults, admission."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row

from autoscaler.clients.airflow import active_runs
from autoscaler.clients.airflow.reading import Reading
from autoscaler.clients.airflow.times import maybe_seconds, seconds_of
from autoscaler.engine.admission import Admission, Limits, Scheduled, admit
from autoscaler.model import (
    TASK_QUEUED_TIMEOUT_SECONDS,
    TRIGGERER_CAPACITY,
    AirflowJob,
    AirflowPool,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    Blocker,
    JobKind,
    NextRun,
)

COUNTED = ("queued", "running")  # the states that take slots of pools, DAGs and parallelism
UNLIMITED = -1
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What Airflow's config says, for where the database says nothing.

    parallelism: tasks that one scheduler may have with its executors, 0 without limit.
    task_queued_timeout_seconds: after which it gives up on a queued task. triggerer_capacity: the
    triggers that one triggerer takes.
    """

    executor: str = "CeleryExecutor"
    queue: str = "default"
    parallelism: int = 32
    task_queued_timeout_seconds: float = TASK_QUEUED_TIMEOUT_SECONDS
    triggerer_capacity: int = TRIGGERER_CAPACITY

    def key(self, row: Row[Any]) -> Key:
        """The queue, and the executor's short name, that a row means."""
        executor: str = row.executor or self.executor
        return row.queue or self.queue, executor.rpartition(".")[2]


def state_of(reading: Reading, now: float, defaults: Defaults) -> AirflowState:
    """The state at `now`, Unix seconds by our clock."""
    skew = reading.clock_skew_seconds
    keys = [defaults.key(row) for row in reading.with_executor]
    tasks = tuple(
        _task(row, key, skew) for row, key in zip(reading.with_executor, keys, strict=True)
    )
    jobs = tuple(_jobs(reading))
    pools = _pools(reading)
    limits = _limits(reading, pools, _parallelism(jobs, now, defaults))
    admissions = admit(_scheduled(reading, defaults), limits)
    hidden: Counter[Key] = Counter()
    for row in reading.hidden:
        hidden[defaults.key(row)] += row.tasks
    return AirflowState(
        at=now,
        version=reading.version,
        queues=_queues(keys, tasks, admissions, hidden),
        tasks=tasks,
        pools=_waited_for(pools, admissions),
        parallelism=limits.parallelism,
        jobs=jobs,
        triggers=_triggers(reading, now),
        triggerer_capacity=defaults.triggerer_capacity,
        parsed_at=maybe_seconds(reading.parsed_at, skew),
        import_errors=reading.import_errors,
        next_runs=tuple(
            NextRun(row.dag_id, seconds_of(row.next_dagrun_create_after, skew))
            for row in reading.next_runs
        ),
        runs=tuple(active_runs.records(reading.runs, skew)),
        clock_skew_seconds=skew,
        read_only=reading.read_only,
        replica_lag_seconds=reading.lag_seconds,
        connections=reading.connections,
        max_connections=reading.max_connections,
        task_queued_timeout_seconds=defaults.task_queued_timeout_seconds,
    )


def _task(row: Row[Any], key: Key, skew: float) -> AirflowTask:
    return AirflowTask(
        id=row.external_executor_id or None,
        dag_id=row.dag_id,
        task_id=row.task_id,
        run_id=row.run_id,
        map_index=row.map_index,
        state=row.state,
        queue=key[0],
        executor=key[1],
        queued_at=maybe_seconds(row.queued_dttm, skew),
        started_at=maybe_seconds(row.start_date, skew),
        heartbeat_at=maybe_seconds(row.last_heartbeat_at, skew),
        hostname=row.hostname or "",
    )


def _jobs(reading: Reading) -> Iterator[AirflowJob]:
    for row in reading.jobs:
        heartbeat_at = seconds_of(row.latest_heartbeat, reading.clock_skew_seconds)
        yield AirflowJob(JobKind(row.job_type), row.hostname or "", heartbeat_at)


def _triggers(reading: Reading, now: float) -> dict[Key, int]:
    """By queue and triggerer. Airflow, too, gives those of a silent one to the others."""
    alive = {
        row.id: job.hostname
        for row, job in zip(reading.jobs, _jobs(reading), strict=True)
        if job.kind is JobKind.TRIGGERER and job.alive(now)
    }
    numbers = Counter({("", ""): 0})
    for row in reading.triggers:
        numbers[row.queue or "", alive.get(row.triggerer_id, "")] += row.triggers
    return dict(numbers)


def _pools(reading: Reading) -> dict[str, AirflowPool]:
    """A number of slots that is none, or negative, lets nothing in."""
    taken: Counter[str] = Counter()
    for row in reading.with_executor:
        if row.state in COUNTED:
            taken[row.pool] += row.pool_slots
    return {
        row.pool: AirflowPool(
            name=row.pool,
            slots=None if row.slots == UNLIMITED else max(0, row.slots or 0),
            used=taken[row.pool] + int(row.deferred),
        )
        for row in reading.pools
    }


def _waited_for(
    pools: Mapping[str, AirflowPool], admissions: Mapping[Key, Admission]
) -> dict[str, AirflowPool]:
    """The pools with the number of tasks that wait for their slots."""
    waiting: Counter[str] = Counter()
    for admission in admissions.values():
        for block, tasks in admission.blocked.items():
            if block.blocker is Blocker.POOL:
                waiting[block.name] += tasks
    return {name: replace(pool, waiting=waiting[name]) for name, pool in pools.items()}


def _parallelism(jobs: tuple[AirflowJob, ...], now: float, defaults: Defaults) -> int | None:
    """That of all schedulers; while none is alive, that of the one that will be."""
    if not defaults.parallelism:
        return None
    alive = sum(job.kind is JobKind.SCHEDULER and job.alive(now) for job in jobs)
    return defaults.parallelism * max(1, alive)


def _limits(reading: Reading, pools: Mapping[str, AirflowPool], parallelism: int | None) -> Limits:
    """More tasks with the executors than parallelism allows prove that it is larger."""
    counted = [row for row in reading.with_executor if row.state in COUNTED]
    return Limits(
        pools=pools,
        active=Counter((row.dag_id, row.run_id) for row in counted),
        runs=reading.limits_runs,
        parallelism=None if parallelism is None else max(parallelism, len(counted)),
        occupied=len(counted),
    )


def _scheduled(reading: Reading, defaults: Defaults) -> Iterator[Scheduled]:
    no_date = -math.inf if reading.nulls_first else math.inf
    skew = reading.clock_skew_seconds
    for row in reading.scheduled:
        queue, executor = defaults.key(row)
        yield Scheduled(
            dag_id=row.dag_id,
            run_id=row.run_id,
            task_id=row.task_id,
            queue=queue,
            executor=executor,
            pool=row.pool,
            pool_slots=max(0, row.pool_slots),
            priority_weight=row.priority_weight or 0,
            map_index=row.map_index,
            run_date=no_date if row.date is None else seconds_of(row.date, skew),
            max_active_tasks=row.max_active_tasks,
            tasks=row.tasks,
            since=maybe_seconds(row.since, skew),
        )


def _queues(
    keys: list[Key],
    tasks: tuple[AirflowTask, ...],
    admissions: Mapping[Key, Admission],
    hidden: Mapping[Key, int],
) -> dict[Key, AirflowQueue]:
    states = Counter((key, task.state) for key, task in zip(keys, tasks, strict=True))
    oldest: dict[Key, float] = {}
    for key, task in zip(keys, tasks, strict=True):
        if task.state == "queued" and task.queued_at is not None:
            oldest[key] = min(task.queued_at, oldest.get(key, math.inf))
    nothing = Admission()
    queues = {}
    for key in sorted({*keys, *admissions, *hidden}):
        admission = admissions.get(key, nothing)
        queues[key] = AirflowQueue(
            *key,
            queued=states[key, "queued"],
            running=states[key, "running"],
            restarting=states[key, "restarting"],
            scheduled=admission.scheduled,
            admissible=admission.admissible,
            hidden=hidden.get(key, 0),
            blocked=admission.blocked,
            oldest_queued_at=oldest.get(key),
            oldest_admissible_at=admission.since,
        )
    return queues

"""Checks of Airflow's tasks: none is lost, none waits too long, and what holds them up is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pydantic import Field

from autoscaler.engine.verdict import verdict
from autoscaler.engine.wording import count, sentence, span
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import (
    AirflowQueue,
    AirflowState,
    AirflowTask,
    Bottleneck,
    Finding,
    FleetTick,
    Severity,
    Tick,
    Unchecked,
)

MOST_NAMED = 5
HELD_UP = (
    Bottleneck.POOL,
    Bottleneck.DAG_LIMIT,
    Bottleneck.PARALLELISM,
    Bottleneck.SCHEDULER,
)


class AirflowTasksLostOptions(CheckOptions):
    """Options of airflow_tasks_lost."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")
    for_seconds: float = Field(
        default=10, ge=0, description="How long a finding lasts before it fires"
    )
    silent_seconds: float = Field(
        default=45,
        gt=0,
        description="Age of a running task's heartbeat at which it counts as dead (one beats "
        "every 5 s; Airflow waits for 300 s)",
    )


class AirflowTasksLost(Check[AirflowTasksLostOptions]):
    """Tasks that Airflow calls running and that give no sign of life: their worker is gone."""

    options_type = AirflowTasksLostOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from self.unread(tick, AirflowState)
        for source, state in tick.snapshot.airflows.items():
            by_queue: dict[str, list[AirflowTask]] = {}
            for task in state.tasks:
                if self._silent(task, tick.snapshot.now):
                    by_queue.setdefault(task.queue, []).append(task)
            for queue, tasks in sorted(by_queue.items()):
                yield self._finding(source, queue, tasks, tick.snapshot.now)

    def _silent(self, task: AirflowTask, now: float) -> bool:
        beat = task.heartbeat_at
        silent = beat is not None and now - beat > self.options.silent_seconds
        return silent and task.state == "running"

    def _finding(self, source: str, queue: str, tasks: list[AirflowTask], now: float) -> Finding:
        hosts = Counter(task.hostname for task in tasks)
        oldest = max(now - (task.heartbeat_at or now) for task in tasks)
        named = ", ".join(f"{task.dag_id}.{task.task_id}" for task in tasks[:MOST_NAMED])
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=(
                f"{count(len(tasks), 'running task')} of queue {queue} gave no sign of life "
                f"for up to {span(oldest)}: {named}."
            ),
            labels={"source": source, "queue": queue},
            evidence={f"tasks_on_{host or 'unknown'}": str(n) for host, n in hosts.items()},
            remedy=(
                "Their worker was killed or cannot reach Airflow. Airflow fails or retries them "
                "after [scheduler] task_instance_heartbeat_timeout (300 s); clear them to be "
                "faster."
            ),
        )


class AirflowTasksQueuedTooLongOptions(CheckOptions):
    """Options of airflow_tasks_queued_too_long."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")
    for_seconds: float = Field(
        default=0, ge=0, description="How long a finding lasts before it fires"
    )
    warn_at_ratio: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the source's task_queued_timeout_seconds after which to warn; the "
        "start of a worker is part of it where none is ready",
    )


class AirflowTasksQueuedTooLong(Check[AirflowTasksQueuedTooLongOptions]):
    """Tasks that Airflow will fail, however many retries they have, unless they start soon."""

    options_type = AirflowTasksQueuedTooLongOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from self.unread(tick, AirflowState)
        for source, state in tick.snapshot.airflows.items():
            for (queue, executor), counts in sorted(state.queues.items()):
                if counts.oldest_queued_at is None:
                    continue
                age = tick.snapshot.now - counts.oldest_queued_at
                starting = _seconds_to_a_worker(tick, queue)
                limit = state.task_queued_timeout_seconds
                if age + (starting or 0.0) > self.options.warn_at_ratio * limit:
                    labels = {"source": source, "queue": queue, "executor": executor}
                    yield self._finding(labels, counts.queued, (age, starting, limit))

    def _finding(
        self, labels: dict[str, str], queued: int, seconds: tuple[float, float | None, float]
    ) -> Finding:
        age, starting, limit = seconds
        told = "" if starting is None else f" and no worker is ready: one takes {span(starting)};"
        evidence = {} if starting is None else {"worker_start_seconds": f"{starting:.0f}"}
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=(
                f"A task of queue {labels['queue']} has been queued for {span(age)}{told or ';'} "
                f"its message is void after {span(limit)}."
            ),
            labels=labels,
            evidence={"queued": str(queued), "queued_for_seconds": f"{age:.0f}", **evidence},
            remedy=(
                "See that workers consume the queue and are well: `autoscaler status` and "
                "`autoscaler explain`. Raise max_replicas, or [scheduler] task_queued_timeout."
            ),
        )


def _seconds_to_a_worker(tick: Tick, queue: str) -> float | None:
    """How long a worker of the queue takes to start by what was learned; None if one is ready.

    The quickest of the fleets that serve it. None also where no start was timed.
    """
    fleets = [t.snapshot for t in tick.fleets.values() if queue in t.snapshot.fleet.queues]
    if any(fleet.ready for fleet in fleets):
        return None
    learned = [fleet.start_up.p90_seconds for fleet in fleets if fleet.start_up is not None]
    return min(learned, default=None)


class AirflowWorkBlockedOptions(CheckOptions):
    """Options of airflow_work_blocked."""

    severity: Severity = Field(default=Severity.INFO, description="How soon somebody must look")
    for_seconds: float = Field(
        default=600, ge=0, description="How long a finding lasts before it fires"
    )


class AirflowWorkBlocked(Check[AirflowWorkBlockedOptions]):
    """Tasks wait for a pool, a limit or the scheduler, and no worker could help."""

    options_type = AirflowWorkBlockedOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for name, fleet in sorted(tick.fleets.items()):
            if fleet.snapshot.missing:
                why = "; ".join(fleet.snapshot.missing.values())
                yield Unchecked(self.context.name, why, {"fleet": name})
            found = verdict(fleet)
            if found is not None and found.bottleneck in HELD_UP:
                labels = {"fleet": name, "bottleneck": found.bottleneck.value}
                yield Finding(
                    check=self.context.name,
                    severity=self.options.severity,
                    summary=sentence(f"Work of {name} is held up: {found.message}"),
                    labels=labels,
                    evidence=_evidence(fleet),
                    remedy="More workers would stand idle: widen what is named, or spread load.",
                )


def _evidence(fleet: FleetTick) -> dict[str, str]:
    demand = fleet.snapshot.airflow
    blocked = demand.blocked if demand is not None else {}
    return {
        "bottleneck": str(fleet.snapshot.blockage and fleet.snapshot.blockage.bottleneck),
        **{f"{b.blocker}_{b.name}": f"{b.used}/{b.limit}" for b in sorted(blocked)[:MOST_NAMED]},
    }


class AirflowQueueUnserved(Check[CheckOptions]):
    """Airflow hands tasks to a Celery queue that no fleet serves."""

    options_type = CheckOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from self.unread(tick, AirflowState)
        served = {queue for fleet in tick.fleets.values() for queue in fleet.snapshot.fleet.queues}
        for source, state in tick.snapshot.airflows.items():
            for (queue, _), counts in sorted(state.queues.items()):
                strange = counts.for_celery and queue not in served
                if strange and (counts.queued or counts.running or counts.admissible):
                    yield self._finding(source, queue, counts)

    def _finding(self, source: str, queue: str, counts: AirflowQueue) -> Finding:
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=(
                f"Airflow uses queue {queue}, which no fleet serves: {counts.queued} queued, "
                f"{counts.running} running."
            ),
            labels={"source": source, "queue": queue},
            evidence={"queued": str(counts.queued), "running": str(counts.running)},
            remedy=(
                f"Name {queue} among the queues of a fleet (one that names none finds it at the "
                "next reload, by SIGHUP), or correct the operator's queue. If other workers are "
                "meant to serve it, switch this check off."
            ),
        )

"""Turns what sources read into what may be believed: a bad value becomes a reason, not a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from autoscaler.model import (
    AirflowQueue,
    AirflowState,
    AirflowTask,
    BrokerState,
    FinishedRun,
    Observation,
    QueueState,
    SampleState,
    WorkersState,
    WorkerState,
)

FUTURE_SECONDS = 5.0
STALE_SECONDS = 60.0
ABSURD = 1e15
Timed = TypeVar("Timed", AirflowState, AirflowQueue, AirflowTask)


@dataclass(frozen=True, slots=True)
class Screened:
    """What may be believed, and why the rest may not (`SOURCE` or `SOURCE/ITEM` -> reason)."""

    observations: Mapping[str, Observation]
    missing: Mapping[str, str]


def screen(
    observations: Mapping[str, Observation], missing: Mapping[str, str], now: float
) -> Screened:
    """Keep the plausible part of every observation."""
    kept: dict[str, Observation] = {}
    faults = dict(missing)
    for name, observation in observations.items():
        if observation.at > now + FUTURE_SECONDS:
            faults[name] = f"its readings are {observation.at - now:.0f} s in the future"
        elif not observation.at >= now - STALE_SECONDS:  # so that NaN is none of these times
            faults[name] = f"its readings are {now - observation.at:.0f} s old"
        elif isinstance(observation, BrokerState):
            kept[name] = _screen_broker(name, observation, faults)
        elif isinstance(observation, WorkersState):
            kept[name] = _screen_workers(observation, now)
        elif isinstance(observation, SampleState):
            kept[name] = _screen_samples(name, observation, faults, now)
        elif isinstance(observation, AirflowState):
            wrong = next(_impossible(observation), None)
            if wrong is None:
                kept[name] = _screen_airflow(observation, now)
            else:
                faults[name] = f"an impossible reading: {wrong}"
        else:
            kept[name] = observation
    return Screened(kept, faults)


def plausible(value: float | None) -> bool:
    """Whether a value can be a count, an age or a gauge: finite, not negative, not absurd."""
    return value is not None and 0 <= value <= ABSURD


def mute(worker: WorkerState) -> WorkerState:
    """A worker of which only that is known that it is there."""
    return WorkerState(name=worker.name, offline=worker.offline, pid=worker.pid)


def _screen_broker(name: str, state: BrokerState, faults: dict[str, str]) -> BrokerState:
    queues: dict[str, QueueState] = {}
    faults.update({f"{name}/{queue}": why for queue, why in state.unreadable.items()})
    for key, queue in state.queues.items():
        optional = (queue.unacked, queue.consumers, queue.oldest_age_seconds)
        if plausible(queue.waiting) and _all_plausible(optional):
            queues[key] = queue
        else:
            faults[f"{name}/{key}"] = f"an impossible reading: {queue}"
    totals = (state.unacked_tasks, state.oldest_unacked_age_seconds)
    if not _all_plausible(totals):
        faults[f"{name}/unacked"] = f"an impossible reading: {totals}"
        state = replace(state, unacked_tasks=None, oldest_unacked_age_seconds=None)
    return replace(state, queues=queues)


def _screen_workers(state: WorkersState, now: float) -> WorkersState:
    """What an impossible worker says is forgotten, but not that there is one.

    So is what is said in a name that two of them bear: it may be the other's.
    """
    doubtful = {name for name, worker in state.workers.items() if not _is_possible(worker, now)}
    doubtful |= state.duplicates & state.workers.keys()
    muted = {name: mute(state.workers[name]) for name in doubtful}
    return replace(state, workers={**state.workers, **muted})


def _is_possible(worker: WorkerState, now: float) -> bool:
    counts_ok = _all_plausible((worker.reserved, worker.slots, worker.processed))
    return counts_ok and worker.seen_at <= now + FUTURE_SECONDS


def _screen_samples(
    name: str, state: SampleState, faults: dict[str, str], now: float
) -> SampleState:
    """One impossible series makes its whole name unknown: a sum of the rest would be too low."""
    bad = dict(state.unreadable)
    for sample in state.values:
        if not plausible(sample.value):
            bad[sample.name] = f"an impossible value: {sample.value}"
        elif sample.at > now + FUTURE_SECONDS:
            bad[sample.name] = f"it is {sample.at - now:.0f} s in the future"
    faults.update({f"{name}/{sample_name}": why for sample_name, why in bad.items()})
    return replace(state, values=tuple(s for s in state.values if s.name not in bad))


def _impossible(state: AirflowState) -> Iterator[str]:
    """What cannot be. One transaction told it all, so one such number makes all of it doubtful."""
    for what, value in _counts(state):
        if value is not None and not plausible(value):
            yield f"{what}: {value}"
    for job in state.jobs:
        if not plausible(job.heartbeat_at):
            yield f"heartbeat of {job.kind} on {job.hostname}: {job.heartbeat_at}"
    if not plausible(abs(state.clock_skew_seconds)):
        yield f"difference of the clocks: {state.clock_skew_seconds}"


def _counts(state: AirflowState) -> Iterator[tuple[str, float | None]]:
    for queue in state.queues.values():
        held = (queue.queued, queue.running, queue.restarting)
        wanted = (queue.scheduled, queue.admissible, queue.hidden)
        used = chain.from_iterable((block.used, block.limit) for block in queue.blocked)
        for count in (*held, *wanted, *queue.blocked.values(), *used):
            yield f"tasks of queue {queue.name}", count
    for pool in state.pools.values():
        yield f"slots of pool {pool.name}", pool.slots
        yield f"used slots of pool {pool.name}", pool.used
        yield f"tasks that wait for pool {pool.name}", pool.waiting
    for run in state.runs:
        for count in run.pending.values():
            yield f"pending tasks of {run.dag_id}", count
    yield "parallelism", state.parallelism
    yield "import errors", state.import_errors
    yield "task_queued_timeout", state.task_queued_timeout_seconds
    for count in (state.triggerer_capacity, *state.triggers.values()):
        yield "triggers", count


def _screen_airflow(state: AirflowState, now: float) -> AirflowState:
    """A time that has not come yet is forgotten; hosts of Airflow have clocks of their own.

    But a job whose heartbeat is in the future is alive for Airflow, too.
    """
    latest = now + FUTURE_SECONDS
    queues = {
        key: _timely(queue, latest, "oldest_queued_at", "oldest_admissible_at")
        for key, queue in state.queues.items()
    }
    times = ("queued_at", "started_at", "heartbeat_at")
    return replace(
        _timely(state, latest, "parsed_at"),
        queues=queues,
        tasks=tuple(_timely(task, latest, *times) for task in state.tasks),
        next_runs=tuple(run for run in state.next_runs if plausible(run.at)),
        finished_runs=tuple(run for run in state.finished_runs if _is_over(run, latest)),
    )


def _timely(record: Timed, latest: float, *names: str) -> Timed:
    """The record without those of these times that are after the latest, or none at all."""
    bad: dict[str, Any] = {
        name: None
        for name in names
        if (time := getattr(record, name)) is not None and not _has_come(time, latest)
    }
    return replace(record, **bad) if bad else record


def _is_over(run: FinishedRun, latest: float) -> bool:
    times = (run.started_at, *(task.ready_at for task in run.tasks))
    lengths = (task.run_seconds for task in run.tasks)
    return all(_has_come(time, latest) for time in times) and _all_plausible(lengths)


def _has_come(time: float, latest: float) -> bool:
    return plausible(time) and time <= latest


def _all_plausible(values: Iterable[float | None]) -> bool:
    return all(value is None or plausible(value) for value in values)

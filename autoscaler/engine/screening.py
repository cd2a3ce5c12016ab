"""Turns what sources read into what may be believed: a bad value becomes a reason, not a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from autoscaler.model import (
    BrokerState,
    Observation,
    QueueState,
    SampleState,
    WorkersState,
    WorkerState,
)

FUTURE_SECONDS = 5.0
STALE_SECONDS = 60.0
ABSURD = 1e15


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


def _all_plausible(values: Iterable[float | None]) -> bool:
    return all(value is None or plausible(value) for value in values)

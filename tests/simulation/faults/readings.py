"""Faults of readings: absent, partial, empty, zero, absurd, frozen, old, from the future."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from autoscaler.errors import SourceError
from autoscaler.model import BrokerState, WorkersState, WorkerState
from tests.simulation.faults import Conditions, window

SHORT = (5, 50)
LONG = (20, 240)
ABSURD = (math.nan, math.inf, -1.0, 1e300)
READINGS = (
    window("broker_error", "the broker cannot be read", 2, LONG),
    window("broker_bug", "the broker's source raises what nobody expects", 1, SHORT),
    window("broker_empty", "the broker names no queue at all", 1.5, LONG),
    window("broker_partial", "one queue cannot be read, and is said to be", 1.5, LONG),
    window("broker_silently_partial", "one queue is left out", 1.5, LONG),
    window("broker_zero", "every queue reads 0", 1.5, SHORT),
    window("broker_absurd", "a depth is NaN, infinite, negative or huge", 1.5, LONG),
    window("broker_frozen", "the same depths again and again, as if new", 1, SHORT),
    window("broker_old", "the same reading again and again, with its old time", 1, LONG),
    window("broker_future", "readings from the future", 1, LONG),
    window("workers_error", "the workers cannot be read", 2, LONG),
    window("workers_bug", "the workers' source raises what nobody expects", 1, SHORT),
    window("workers_absurd", "a worker tells impossible counts", 1.5, LONG),
    window("workers_empty", "no worker is told of", 1, (60, 600)),
    window("workers_partial", "some workers are told of no more", 1.5, (20, 400)),
    window("workers_old", "the same workers again and again, with their old time", 1, LONG),
    window("workers_future", "workers from the future", 1, LONG),
    window("replies_lost", "some workers' replies are lost", 2, LONG, amount=(0.2, 1.0)),
    window("heartbeats_lost", "heartbeats are lost", 2, LONG, amount=(0.5, 1.0)),
)
FUTURE_SECONDS = 3600.0


def broker_reading(conditions: Conditions, random: Random, state: BrokerState) -> BrokerState:
    """What the source makes of the state while these conditions hold. May raise anything."""
    for name, spoil in BROKER.items():
        if conditions.on(name):
            state = spoil(state, random, conditions.memory)
    return state


def workers_reading(conditions: Conditions, random: Random, state: WorkersState) -> WorkersState:
    """What the source makes of the state while these conditions hold. May raise anything."""
    for name, spoil in WORKERS.items():
        if conditions.on(name):
            state = spoil(state, random, conditions.memory)
    return state


def _error(*_: Any) -> Any:
    raise SourceError("connection refused")


def _bug(*_: Any) -> Any:
    raise KeyError("depth")


def _empty(state: BrokerState, _: Random, __: dict[str, Any]) -> BrokerState:
    return BrokerState(at=state.at, queues={})


def _partial(state: BrokerState, random: Random, _: dict[str, Any]) -> BrokerState:
    gone = random.choice(list(state.queues))
    return replace(_without(state, gone), unreadable={gone: "WRONGTYPE"})


def _silently_partial(state: BrokerState, random: Random, _: dict[str, Any]) -> BrokerState:
    return _without(state, random.choice(list(state.queues)))


def _without(state: BrokerState, gone: str) -> BrokerState:
    return replace(state, queues={n: q for n, q in state.queues.items() if n != gone})


def _zero(state: BrokerState, _: Random, __: dict[str, Any]) -> BrokerState:
    zeros = {
        name: replace(queue, waiting=0, oldest_age_seconds=None)
        for name, queue in state.queues.items()
    }
    return replace(state, queues=zeros, unacked_tasks=0)


def _absurd(state: BrokerState, random: Random, _: dict[str, Any]) -> BrokerState:
    name = random.choice(list(state.queues))
    queue = replace(state.queues[name], waiting=random.choice(ABSURD))  # type: ignore[arg-type]
    return replace(state, queues={**state.queues, name: queue})


def _frozen(state: BrokerState, _: Random, memory: dict[str, Any]) -> BrokerState:
    return replace(memory.setdefault("broker_frozen", state), at=state.at)


def _old_broker(state: BrokerState, _: Random, memory: dict[str, Any]) -> BrokerState:
    kept: BrokerState = memory.setdefault("broker_old", state)
    return kept


def _future_broker(state: BrokerState, _: Random, __: dict[str, Any]) -> BrokerState:
    return replace(state, at=state.at + FUTURE_SECONDS)


def _absurd_workers(state: WorkersState, random: Random, _: dict[str, Any]) -> WorkersState:
    if not state.workers:
        return state
    name = random.choice(list(state.workers))
    worker: WorkerState = replace(state.workers[name], reserved=-1)
    return replace(state, workers={**state.workers, name: worker})


def _no_workers(state: WorkersState, _: Random, __: dict[str, Any]) -> WorkersState:
    return replace(state, workers={})


def _some_workers(state: WorkersState, random: Random, memory: dict[str, Any]) -> WorkersState:
    """Some of those that were told of are no more; who starts anew is told of."""
    pids = [worker.pid for worker in state.workers.values()]
    gone = memory.setdefault("workers_partial", {pid for pid in pids if random.random() < 0.5})
    seen = {name: worker for name, worker in state.workers.items() if worker.pid not in gone}
    return replace(state, workers=seen)


def _old_workers(state: WorkersState, _: Random, memory: dict[str, Any]) -> WorkersState:
    kept: WorkersState = memory.setdefault("workers_old", state)
    return kept


def _future_workers(state: WorkersState, _: Random, __: dict[str, Any]) -> WorkersState:
    return replace(state, at=state.at + FUTURE_SECONDS)


BROKER: dict[str, Callable[[BrokerState, Random, dict[str, Any]], BrokerState]] = {
    "broker_error": _error,
    "broker_bug": _bug,
    "broker_frozen": _frozen,
    "broker_old": _old_broker,
    "broker_zero": _zero,
    "broker_absurd": _absurd,
    "broker_future": _future_broker,
    "broker_partial": _partial,
    "broker_silently_partial": _silently_partial,
    "broker_empty": _empty,
}
WORKERS: dict[str, Callable[[WorkersState, Random, dict[str, Any]], WorkersState]] = {
    "workers_error": _error,
    "workers_bug": _bug,
    "workers_old": _old_workers,
    "workers_absurd": _absurd_workers,
    "workers_partial": _some_workers,
    "workers_empty": _no_workers,
    "workers_future": _future_workers,
}

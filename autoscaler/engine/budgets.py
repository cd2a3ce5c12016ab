"""How many more workers the database and the API server bear, by what each one has cost so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from autoscaler.model import ApiServerState, Bottleneck, Fleet, Headroom, Replica, Snapshot, Verdict

MOST_LEVELS = 32
ENOUGH_READINGS = 3
WEIGHT = 0.2
NEGLIGIBLE = 1e-6


@dataclass(frozen=True, slots=True)
class Level:
    """What was read with so many workers: a moving mean, and of how many readings."""

    mean: float
    readings: int = 1

    def after(self, value: float) -> Level:
        """With one more reading."""
        share = max(WEIGHT, 1 / (self.readings + 1))
        return Level(self.mean + share * (value - self.mean), self.readings + 1)


@dataclass(frozen=True, slots=True)
class Cost:
    """How a reading rises with the number of workers. A value; the last levels are kept."""

    levels: Mapping[int, Level] = field(default_factory=dict)

    def after(self, workers: int, value: float) -> Cost:
        """With one more reading."""
        others = {number: level for number, level in self.levels.items() if number != workers}
        known = self.levels.get(workers)
        kept = list(others.items())[-(MOST_LEVELS - 1) :]
        return Cost({**dict(kept), workers: known.after(value) if known else Level(value)})

    @property
    def per_worker(self) -> float | None:
        """The median of the rises between any two levels (Theil, 1950); None until there are two.

        A single odd level moves it little. What falls as workers come costs nothing.
        """
        known = [(n, lv.mean) for n, lv in self.levels.items() if lv.readings >= ENOUGH_READINGS]
        pairs = combinations(sorted(known), 2)
        rises = [(high - low) / (more - fewer) for (fewer, low), (more, high) in pairs]
        return max(0.0, median(rises)) if rises else None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the workers of one Airflow take of what they share. A value: `after` gives the next."""

    connections: Cost = field(default_factory=Cost)
    latency: Cost = field(default_factory=Cost)

    def after(self, snapshot: Snapshot, airflow: str) -> Usage:
        """With what one tick tells; nothing while it is not known how many workers there are."""
        if not snapshot.worker_sources or snapshot.worker_sources & snapshot.missing.keys():
            return self
        workers = sum(not worker.offline for worker in snapshot.workers.values())
        connections, latency = self.connections, self.latency
        state = snapshot.airflows.get(airflow)
        if state is not None and state.connections is not None:
            connections = connections.after(workers, state.connections)
        if (seconds := _latency_seconds(snapshot)) is not None:
            latency = latency.after(workers, seconds)
        return Usage(connections, latency)


def headroom(
    fleet: Fleet, snapshot: Snapshot, replicas: tuple[Replica, ...], usage: Usage, sharing: int
) -> Headroom | None:
    """By how many replicas an Airflow fleet may grow; None without a bound.

    sharing: how many fleets use the same Airflow; each may take its part of what is free in one
    tick, and at least one replica. What this one has started and is not ready yet is taken from
    that. Until it is known what a worker costs, only a budget that is used up holds growth back.
    """
    if fleet.airflow is None:
        return None
    starting = sum(replica.serving and not replica.ready for replica in replicas)
    bounds = (_connections(fleet, snapshot, usage), _latency(fleet, snapshot, usage))
    rooms = [
        Headroom(max(0, max(room // sharing, min(room, 1)) - starting), verdict)
        for room, verdict in bounds
        if room is not None
    ]
    return min(rooms, key=lambda room: room.replicas, default=None)


def _connections(fleet: Fleet, snapshot: Snapshot, usage: Usage) -> tuple[int | None, Verdict]:
    """How many workers the database has connections for."""
    state = snapshot.airflows.get(fleet.airflow or "")
    percent = fleet.budgets.database_connections_percent
    used, most = (state.connections, state.max_connections) if state else (None, None)
    each = usage.connections.per_worker
    free = None if used is None or most is None else math.floor(most * percent / 100) - used
    cost = "" if each is None else f", about {each:.1f} a worker"
    message = f"{used} of {most} database connections are in use{cost}; {percent:g} % may be"
    return _room(free, each), Verdict(Bottleneck.DATABASE, message)


def _latency(fleet: Fleet, snapshot: Snapshot, usage: Usage) -> tuple[int | None, Verdict]:
    """How many workers the API server can serve in time."""
    seconds, allowed = _latency_seconds(snapshot), fleet.budgets.api_latency_seconds
    each = usage.latency.per_worker
    free = None if seconds is None else allowed - seconds
    cost = "" if each is None else f", {1000 * each:.0f} ms more with each worker"
    message = f"the API server answers in {seconds or 0:.2f} s{cost}; {allowed:g} s are allowed"
    return _room(free, each), Verdict(Bottleneck.API_SERVER, message)


def _room(free: float | None, each: float | None) -> int | None:
    """How many workers fit into what is free; None when that is no bound, or not known."""
    if free is None:
        return None
    if free <= 0:
        return 0
    if each is None or each < NEGLIGIBLE:
        return None
    return math.floor(free / each)


def _latency_seconds(snapshot: Snapshot) -> float | None:
    """Of the slowest API server."""
    told = (o for o in snapshot.observations.values() if isinstance(o, ApiServerState))
    return max((state.latency_seconds for state in told), default=None)

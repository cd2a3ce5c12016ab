"""Small traces that tests make themselves."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from autoscaler.simulator.trace import Trace, TraceTask


def plain(rows: Iterable[tuple[float, float]], queue: str = "default") -> Trace:
    """Tasks of one queue, by their submission and duration."""
    tasks = (TraceTask(str(n), at, lasts, queue, (), "a") for n, (at, lasts) in enumerate(rows))
    return Trace("plain", tuple(tasks))


def poisson(rate: float, mean_seconds: float, tasks: int, seed: int) -> Trace:
    """Tasks that come at random, and last as long as they like."""
    random, at, rows = Random(seed), 0.0, []
    for _ in range(tasks):
        at += random.expovariate(rate)
        rows.append((at, random.expovariate(1 / mean_seconds)))
    return plain(rows)


def dags(days: int = 1, every: float = 3600.0) -> Trace:
    """A DAG of three tasks every hour, `a` before `b` and `c`, and one backfill of it."""
    tasks: list[TraceTask] = []
    submits = [(at * every + 3.5, "team.etl") for at in range(1, int(days * 86_400 / every))]
    for number, (at, dag) in enumerate(sorted([*submits, (5000.0, "backfill.etl")])):
        first = f"{number}a"
        tasks.append(TraceTask(first, at, 60, "default", (), f"{dag}.g.a"))
        for name in "bc":
            key = f"{dag}.g.{name}"
            tasks.append(TraceTask(f"{number}{name}", at, 30, "default", (first,), key))
    return Trace("dags", tuple(tasks))

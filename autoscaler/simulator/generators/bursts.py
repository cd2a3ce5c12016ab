"""Batches that come when they like, of sizes that nobody expects: unforecastable bursts."""

from __future__ import annotations

from random import Random

from autoscaler.simulator.generators.draws import DAY, lognormal, trace
from autoscaler.simulator.trace import Trace, TraceTask

BATCHES_A_DAY = 320
LARGEST = 110
SHAPE = 1.15
SPREAD_SECONDS = 20.0


def bursts(seed: int, days: float) -> Trace:
    """Batches come at random; one in some hundred has a hundred tasks, most have a few."""
    random = Random(f"bursts {seed}")  # noqa: S311 - a simulation
    tasks: list[TraceTask] = []
    at = random.expovariate(BATCHES_A_DAY / DAY)
    while at < days * DAY:
        job = random.randrange(60)
        median = lognormal(random, 70, 0.9, 900)
        for _ in range(min(LARGEST, int(2 * random.paretovariate(SHAPE)))):
            submit = at + random.uniform(0, SPREAD_SECONDS)
            lasts = lognormal(random, median, 0.5, 3600)
            tasks.append(TraceTask(str(len(tasks)), submit, lasts, "default", (), f"jobs.job{job}"))
        at += random.expovariate(BATCHES_A_DAY / DAY)
    return trace(f"bursts-{seed}", tasks)

"""Jobs of minutes to a day on several queues, their durations with a heavy tail: long tasks."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from autoscaler.simulator.generators.draws import DAY, HOUR, arrivals, by_day, lognormal, trace
from autoscaler.simulator.trace import Trace, TraceTask

QUEUES = {"batch": 1.0, "analysis": 0.5, "training": 0.15}
USERS = 8
LONGEST = 24 * HOUR


def long_tasks(seed: int, days: float) -> Trace:
    """Users submit jobs by day more than by night, often several at once."""
    random = Random(f"long {seed}")  # noqa: S311 - a simulation
    tasks: list[TraceTask] = []
    for queue, weight in QUEUES.items():
        highest = weight * random.uniform(6, 12) / HOUR
        low, peak = random.uniform(0.3, 0.7), random.uniform(10, 18)
        medians = [lognormal(random, 900, 0.8) for _ in range(USERS)]
        spreads = [random.uniform(0.6, 1.6) for _ in range(USERS)]
        times = arrivals(random, days * DAY, _rate(highest, low, peak), highest)
        for at in times:
            user = min(USERS - 1, int(random.expovariate(0.5)))
            for number in range(min(40, int(random.paretovariate(1.1)))):
                submit = at + number * random.uniform(0.5, 3)
                lasts = max(20.0, lognormal(random, medians[user], spreads[user], LONGEST))
                name = f"{queue}.user{user}.job"
                tasks.append(TraceTask(str(len(tasks)), submit, lasts, queue, (), name))
    return trace(f"long-{seed}", tasks)


def _rate(highest: float, low: float, peak: float) -> Callable[[float], float]:
    return lambda at: highest * by_day(at, low, peak)

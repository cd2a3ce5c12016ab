"""Draws that all generators make: durations, arrivals, and tasks in their order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from random import Random

from autoscaler.simulator.trace import Trace, TraceTask

DAY = 86_400.0
HOUR = 3600.0


def lognormal(random: Random, median: float, sigma: float, most: float = math.inf) -> float:
    """A positive draw around its median; none is above `most`."""
    return min(most, median * math.exp(random.normalvariate(0, sigma)))


def arrivals(
    random: Random, seconds: float, rate: Callable[[float], float], highest: float
) -> Iterator[float]:
    """A Poisson process whose rate changes over time, thinned out of one with the highest rate."""
    at = random.expovariate(highest)
    while at < seconds:
        if random.random() * highest < rate(at):
            yield at
        at += random.expovariate(highest)


def by_day(at: float, low: float, peak_hour: float) -> float:
    """A smooth share, 1 at the peak's hour and `low` twelve hours later."""
    phase = 2 * math.pi * (at % DAY / HOUR - peak_hour) / 24
    return low + (1 - low) * (1 + math.cos(phase)) / 2


def trace(name: str, tasks: Iterable[TraceTask]) -> Trace:
    """Tasks in order of submission."""
    return Trace(name, tuple(sorted(tasks, key=lambda task: task.submit)))

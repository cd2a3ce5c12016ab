"""From open slots to a plan: how many workers to have at each tick, without those not worth it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from autoscaler.simulator.crew import Rules

TICK_SECONDS = 15.0
Curve = Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a plan adds to the demand, and what it leaves out of it.

    patience: how long tasks wait before another slot is opened for them. lead: by how much workers
    are launched before they are needed. hold: gaps that they are kept through. price: the most
    worker-seconds that it pays for one task's start in time.
    """

    patience: float = 20.0
    lead: float = 105.0
    hold: float = 90.0
    price: float = math.inf


def plan(
    curve: Curve, starts: Sequence[float], rules: Rules, end: float, shape: Shape
) -> tuple[int, ...]:
    """Workers at each tick until the end, for these numbers of open slots and starts of tasks."""
    ticks = int(end // TICK_SECONDS) + 1
    needed = _needed(curve, rules, ticks)
    shares = [0.0] * ticks
    for at in starts:
        tick = min(ticks - 1, int(at // TICK_SECONDS))
        shares[tick] += 1 / max(1, needed[tick])
    worth = [0.0, *accumulate(shares)]
    changes = [0] * (ticks + 1)
    lead = math.ceil(shape.lead / TICK_SECONDS)
    for level, begin, stop in _spans(needed, int(shape.hold // TICK_SECONDS)):
        seconds = (stop - begin + lead) * TICK_SECONDS
        if level < rules.min_workers or seconds <= shape.price * (worth[stop] - worth[begin]):
            changes[max(0, begin - lead)] += 1
            changes[stop] -= 1
    within = (max(rules.min_workers, count) for count in accumulate(changes[:-1]))
    return tuple(min(rules.max_workers, count) for count in within)


def _needed(curve: Curve, rules: Rules, ticks: int) -> list[int]:
    """The most workers that the open slots of each tick fill."""
    needed, now, position = [0] * ticks, 0, 0
    for tick in range(ticks):
        most = now
        while position < len(curve) and curve[position][0] < (tick + 1) * TICK_SECONDS:
            now = curve[position][1]
            most = max(most, now)
            position += 1
        needed[tick] = min(rules.max_workers, math.ceil(most / rules.slots))
    return needed


def _spans(needed: Sequence[int], hold: int) -> Iterator[tuple[int, int, int]]:
    """Of each level of workers when it is needed: the level, the first tick, and the one after.

    Two spans of a level with a gap of at most `hold` ticks are one.
    """
    begins: list[int] = []
    open_spans: dict[int, tuple[int, int]] = {}
    for tick, count in enumerate([*needed, 0]):
        begins += [tick] * (count - len(begins))
        while len(begins) > count:
            level, begin = len(begins) - 1, begins.pop()
            before = open_spans.get(level)
            if before is not None and begin - before[1] <= hold:
                begin = before[0]
            elif before is not None:
                yield level, *before
            open_spans[level] = begin, tick
    for level, span in open_spans.items():
        yield level, *span

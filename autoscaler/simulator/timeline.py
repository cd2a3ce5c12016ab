"""What a simulation looked like over time: demand, workers, waits and deaths, all fleets as one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler.simulator.world import World

POINTS = 480


@dataclass(frozen=True, slots=True)
class Timeline:
    """Each list has one number for each of the equal parts of the whole time.

    demand: the most slots that tasks filled or waited for; workers: the most slots of workers that
    were paid for; waits: the longest wait of a task that became ready; kills: tasks killed.
    """

    seconds: float
    demand: tuple[int, ...]
    slots: tuple[int, ...]
    waits: tuple[float, ...]
    kills: tuple[int, ...]

    @classmethod
    def of(cls, world: World, points: int = POINTS) -> Timeline:
        """That of a world in which everything has happened."""
        part = world.end / points
        waits, kills = [0.0] * points, [0] * points
        for run in world.runs:
            if run.ready_at is not None and run.ready_at < world.end:
                until = world.end if run.first_at is None else run.first_at
                index = int(run.ready_at / part)
                waits[index] = max(waits[index], until - run.ready_at)
        for at in world.deaths:
            kills[min(points - 1, int(at / part))] += 1
        spans = ((r.ready_at, r.ended_at, 1) for r in world.runs if r.ready_at is not None)
        paid = ((w.launched_at, w.ended_at, w.slots) for w in world.everyone())
        return cls(
            world.end,
            _most(spans, part, points),
            _most(paid, part, points),
            tuple(waits),
            tuple(kills),
        )


def _most(
    spans: Iterable[tuple[float, float | None, int]], part: float, points: int
) -> tuple[int, ...]:
    """The highest sum of what is there at a time, in each part."""
    changes: dict[float, int] = {}
    for begin, end, size in spans:
        changes[begin] = changes.get(begin, 0) + size
        if end is not None:
            changes[end] = changes.get(end, 0) - size
    most, now, before = [0] * points, 0, 0.0
    for at in [*sorted(changes), part * points]:
        for index in range(int(before / part), min(points, math.ceil(at / part))):
            most[index] = max(most[index], now)
        now, before = now + changes.get(at, 0), at
    return tuple(most)

"""What a DAG run will want by what the DAG's last runs used, where its structure is not known."""

from __future__ import annotations

from autoscaler.engine.dag_plan import Queue
from autoscaler.engine.play import STEP_SECONDS, WAYS, Curves
from autoscaler.model import Curve, Footprint


def as_before(footprint: Footprint, elapsed: float, within: float, steps: int) -> Curves:
    """Slots by queue, way and step of a run that began `elapsed` seconds ago: each way is a run.

    Tasks may start `within` seconds late, so that what is used at once may be used one after the
    other for as long: it is the average of that time that is needed.
    """
    runs = footprint.runs
    found: Curves = {}
    for place, run in enumerate(runs):
        for curve in run.curves:
            queue = curve.queue, curve.executor
            ways = found.setdefault(queue, [[0.0] * (steps + 1) for _ in range(WAYS)])
            levels = _levels(curve, elapsed, within, steps)
            for way in range(place, WAYS, len(runs)):
                ways[way] = levels
    return found


def at_least(curves: Curves, queue: Queue, slots: int, steps: int) -> None:
    """Raise a queue's curves to what the run uses now: it may be later than the others were."""
    ways = curves.get(queue, [[0.0] * (steps + 1)] * WAYS)
    curves[queue] = [[*(max(slots, level) for level in way[:steps]), 0.0] for way in ways]


def _levels(curve: Curve, elapsed: float, within: float, steps: int) -> list[float]:
    """What is needed at each step, and nothing after the last."""
    width = max(1, round(within / STEP_SECONDS))
    used = [curve.at(elapsed + step * STEP_SECONDS) for step in range(1 - width, steps)]
    summed = sum(used[: width - 1])
    levels = []
    for step in range(steps):
        summed += used[step + width - 1]
        levels.append(summed / width)
        summed -= used[step]
    return [*levels, 0.0]

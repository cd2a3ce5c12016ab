"""Plays what remains of a DAG run, in several ways that it may go, on slots that never lack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import accumulate
from math import ceil

from autoscaler.engine.dag_plan import DagPlan, Queue
from autoscaler.engine.durations import Durations

WAYS = 8  # how many ways each run is played
STEP_SECONDS = 5.0
HANDOVER_SECONDS = 2.0  # from the end of a task until those that wait for it are with the executor
UNKNOWN = Durations((30.0,))
Ways = list[list[float]]
Curves = dict[Queue, Ways]


@dataclass(frozen=True, slots=True)
class Present:
    """A run as it is. with_executor: task number, and for how long it has run, None while it waits.

    pending: task number -> how many of its instances come yet.
    """

    with_executor: tuple[tuple[int, float | None], ...]
    pending: Mapping[int, int]


@dataclass(slots=True)
class Play:
    """One run's slots by queue, way and step. within: how late a task may start, so that short
    ones take turns: one that takes a third of it needs a third of a slot for as long.
    """

    plan: DagPlan
    known: Callable[[str], Durations | None]
    within: float
    steps: int
    curves: Curves = field(default_factory=dict)
    _durations: dict[int, Durations] = field(default_factory=dict)

    def of(self, present: Present) -> Curves:
        """The curves of what runs, waits and follows."""
        left = _left(self.plan, present)
        for way in range(WAYS):
            self._play(present, dict(left), way)
        for ways in self.curves.values():
            ways[:] = [list(accumulate(way)) for way in ways]
        return self.curves

    def _play(self, present: Present, left: dict[int, int], way: int) -> None:
        ends: dict[int, float] = {}
        for place, (number, elapsed) in enumerate(present.with_executor):
            end = self._put(number, way, place, 0.0, elapsed)
            ends[number] = max(ends.get(number, 0.0), end)
        heap = [(end, n) for n, end in ends.items() if n not in present.pending]
        heapify(heap)
        horizon = self.steps * STEP_SECONDS - HANDOVER_SECONDS
        while heap and heap[0][0] < horizon:
            end, number = heappop(heap)
            for below in self.plan.below[number]:
                if below not in left:
                    continue
                left[below] -= 1
                if not left[below]:
                    start = end + HANDOVER_SECONDS
                    instances = present.pending.get(below, 1)
                    later = (self._put(below, way, n, start) for n in range(instances))
                    heappush(heap, (max(later), below))

    def _put(
        self, number: int, way: int, place: int, start: float, elapsed: float | None = None
    ) -> float:
        """Lay one task's slot on its queue's curve; when it ends."""
        known = self._durations.get(number)
        if known is None:
            known = self._durations[number] = self.known(self.plan.names[number]) or UNKNOWN
        at = ((way * 5 + number * 3 + place * 3) % WAYS + 0.5) / WAYS
        seconds = known.remaining(at, elapsed or 0.0)
        runs, slots = elapsed is not None, 1.0
        lasts = seconds
        if not runs and seconds < self.within:
            lasts, slots = self.within, seconds / self.within
        first = int(start / STEP_SECONDS)
        last = min(self.steps, max(first + 1, ceil((start + lasts) / STEP_SECONDS)))
        curve = self._curve(self.plan.queues[number])[way]
        curve[first] += slots
        curve[last] -= slots
        return start + seconds

    def _curve(self, queue: Queue) -> Ways:
        ways = self.curves.get(queue)
        if ways is None:
            ways = self.curves[queue] = [[0.0] * (self.steps + 1) for _ in range(WAYS)]
        return ways


def roots(plan: DagPlan) -> Present:
    """A run that begins: all that waits for nothing waits for a slot."""
    first = tuple((n, None) for n, above in enumerate(plan.above) if not above)
    return Present(first, {n: 1 for n, above in enumerate(plan.above) if above})


def laid_on(total: Curves, curves: Curves, after_seconds: float, turn: int, steps: int) -> None:
    """Add a run that begins so much later. turn: whose ways are not those of other runs."""
    offset = int(after_seconds / STEP_SECONDS)
    for queue, ways in curves.items():
        sums = total.setdefault(queue, [[0.0] * (steps + 1) for _ in range(WAYS)])
        for way, summed in enumerate(sums):
            added = ways[(way + turn) % WAYS]
            for step in range(offset, steps):
                summed[step] += added[step - offset]


def _left(plan: DagPlan, present: Present) -> dict[int, int]:
    """For how many tasks that are not over each one waits; who waits for none is not among them."""
    at_work = {number for number, _ in present.with_executor} | present.pending.keys()
    left: dict[int, int] = {}
    for number in at_work:
        for below in _waiting(plan, number, present.pending):
            left[below] = left.get(below, 0) + 1
    return left


def _waiting(plan: DagPlan, number: int, pending: Iterable[int]) -> Iterator[int]:
    return (below for below in plan.below[number] if below in pending)

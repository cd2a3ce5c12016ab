"""How many slots are open at a time if each task waits a while for one before it opens another."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import count

from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import DEPENDENCY_SECONDS

Curve = list[tuple[float, int]]


class PatientSlots:
    """Tasks take the first free slot of their queue, and open one after `patience` seconds.

    A slot closes once it has nothing to do. What this leaves is a plan that no forecast could be
    better informed for: each rise is as late, and as small, as the patience allows.
    """

    def __init__(self, trace: Trace, fleets: Mapping[str, str], patience: float) -> None:
        self._fleets = fleets
        self._patience = patience
        self._tasks = {task.id: task for task in trace.tasks}
        self._unmet = {task.id: len(set(task.deps)) for task in trace.tasks if task.deps}
        self._followers: dict[str, list[str]] = {}
        for task in trace.tasks:
            for dep in set(task.deps):
                self._followers.setdefault(dep, []).append(task.id)
        self._numbers = count()
        self._events: list[tuple[float, int, str, str]] = []
        self._waiting: dict[str, deque[str]] = {fleet: deque() for fleet in fleets.values()}
        self._started: set[str] = set()
        self.open = dict.fromkeys(fleets.values(), 0)
        self.curves: dict[str, Curve] = {fleet: [] for fleet in fleets.values()}
        self.starts: dict[str, list[float]] = {fleet: [] for fleet in fleets.values()}
        for task in trace.tasks:
            if not task.deps:
                self._at(task.submit, "ready", task.id)
        while self._events:
            self._happen(*heappop(self._events))

    def _at(self, when: float, what: str, task: str) -> None:
        heappush(self._events, (when, next(self._numbers), what, task))

    def _happen(self, now: float, _: int, what: str, task: str) -> None:
        fleet = self._fleets[self._tasks[task].queue]
        if what == "ready":
            self._waiting[fleet].append(task)
            self._at(now + self._patience, "impatient", task)
        elif what == "impatient" and task not in self._started:
            self._waiting[fleet].remove(task)
            self._change(now, fleet, 1)
            self._start(now, fleet, task)
        elif what == "end":
            self._end(now, fleet, task)

    def _start(self, now: float, fleet: str, task: str) -> None:
        self._started.add(task)
        self.starts[fleet].append(now)
        self._at(now + self._tasks[task].duration, "end", task)

    def _end(self, now: float, fleet: str, task: str) -> None:
        for follower in self._followers.get(task, ()):
            self._unmet[follower] -= 1
            if not self._unmet[follower]:
                submit = self._tasks[follower].submit
                self._at(max(submit, now + DEPENDENCY_SECONDS), "ready", follower)
        if self._waiting[fleet]:
            self._start(now, fleet, self._waiting[fleet].popleft())
        else:
            self._change(now, fleet, -1)

    def _change(self, now: float, fleet: str, by: int) -> None:
        self.open[fleet] += by
        self.curves[fleet].append((now, self.open[fleet]))

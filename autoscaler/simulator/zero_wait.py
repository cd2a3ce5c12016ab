"""When tasks would run if none ever waited for a slot: what hindsight knows of a trace."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.trace import Trace, TraceTask
from autoscaler.simulator.world import DEPENDENCY_SECONDS


@dataclass(frozen=True, slots=True)
class Ideal:
    """One task with an endless number of slots. depth: tasks on the longest chain up to it."""

    task: TraceTask
    ready: float
    depth: int

    @property
    def end(self) -> float:
        """When it is over."""
        return self.ready + self.task.duration


def ideal_runs(trace: Trace) -> list[Ideal]:
    """All tasks of the trace, in its order."""
    tasks = {task.id: task for task in trace.tasks}
    known: dict[str, Ideal] = {}
    for task in trace.tasks:
        left = [task]
        while left:
            unknown = [tasks[dep] for dep in left[-1].deps if dep not in known]
            if unknown:
                left += unknown
            else:
                last = left.pop()
                known[last.id] = _ideal(last, [known[dep] for dep in last.deps])
    return [known[task.id] for task in trace.tasks]


def concurrency(runs: Iterable[Ideal]) -> list[tuple[float, int]]:
    """How many of these run from each moment on, at which it changes."""
    changes: dict[float, int] = {}
    for run in runs:
        if run.task.duration > 0:
            changes[run.ready] = changes.get(run.ready, 0) + 1
            changes[run.end] = changes.get(run.end, 0) - 1
    running, curve = 0, []
    for at in sorted(changes):
        running += changes[at]
        curve.append((at, running))
    return curve


def peaks(trace: Trace, slots: int) -> dict[str, int]:
    """Of each queue, the workers with so many slots that its tasks need if none is to wait."""
    queues: dict[str, list[Ideal]] = {queue: [] for queue in trace.queues}
    for run in ideal_runs(trace):
        queues[run.task.queue].append(run)
    return {
        queue: max(1, math.ceil(max((n for _, n in concurrency(runs)), default=0) / slots))
        for queue, runs in queues.items()
    }


def by_fleet(runs: Iterable[Ideal], rules: Mapping[str, Rules]) -> dict[str, list[Ideal]]:
    """The runs of each fleet."""
    fleets = fleets_of(rules)
    parted: dict[str, list[Ideal]] = {fleet: [] for fleet in rules}
    for run in runs:
        parted[fleets[run.task.queue]].append(run)
    return parted


def fleets_of(rules: Mapping[str, Rules]) -> dict[str, str]:
    """The fleet of each queue."""
    return {queue: fleet for fleet, rule in rules.items() for queue in rule.queues or (fleet,)}


def demand_per_tick(runs: Iterable[Ideal], tick: float, end: float) -> list[int]:
    """The most that run at once within each tick until `end`."""
    ticks = [0] * (int(end // tick) + 1)
    last = 0
    curve = concurrency(runs)
    position = 0
    for number in range(len(ticks)):
        most = last
        while position < len(curve) and curve[position][0] < (number + 1) * tick:
            last = curve[position][1]
            most = max(most, last)
            position += 1
        ticks[number] = most
    return ticks


def _ideal(task: TraceTask, before: list[Ideal]) -> Ideal:
    ready = max([task.submit, *(run.end + DEPENDENCY_SECONDS for run in before)])
    return Ideal(task, ready, 1 + max((run.depth for run in before), default=0))

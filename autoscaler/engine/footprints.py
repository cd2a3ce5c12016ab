"""Learns the footprint of each DAG from its last runs; bounded, whatever comes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from autoscaler.model import Curve, FinishedRun, FinishedTask, Footprint, RunShape

MOST_RUNS = 8
MOST_DAGS = 4_096
MOST_STEPS = 1_000_000
# Offsets are told apart by 5 s in a run's first ten minutes, 30 s in its first hour, 5 min in its
# first day, so that a run of any length has few steps. The numbers are shared by all curves.
_SECONDS = (*range(0, 600, 5), *range(600, 3_600, 30), *range(3_600, 86_401, 300))
GRID = tuple(map(float, _SECONDS))
LAST = len(GRID) - 1
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Footprints:
    """What is known of DAGs, by source and DAG, least lately learned first. A value.

    At most MOST_RUNS runs of each, MOST_DAGS of them, and MOST_STEPS steps of 16 bytes in all.
    counts: how many DAGs, by source; counted once, as each tick tells of it.
    """

    by_dag: Mapping[Key, Footprint] = field(default_factory=dict)
    steps: int = 0
    counts: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", Counter(source for source, _ in self.by_dag))

    @classmethod
    def known(cls, footprints: Iterable[Footprint]) -> Footprints:
        """Those that were learned earlier, least lately learned first."""
        by_dag = {(each.source, each.dag_id): each for each in footprints}
        return cls(by_dag, sum(each.steps for each in by_dag.values()))._bounded()

    def after(
        self, source: str, runs: Iterable[FinishedRun], now: float
    ) -> tuple[Footprints, tuple[Footprint, ...]]:
        """With what these runs tell, and the footprints that differ from before."""
        by_dag: dict[str, list[FinishedRun]] = {}
        for run in runs:
            by_dag.setdefault(run.dag_id, []).append(run)
        changed = [
            footprint
            for dag_id, finished in by_dag.items()
            if (footprint := self._learned(source, dag_id, finished, now)) is not None
        ]
        if not changed:
            return self, ()
        known, steps = dict(self.by_dag), self.steps
        for footprint in changed:
            before = known.pop((source, footprint.dag_id), None)
            known[source, footprint.dag_id] = footprint
            steps += footprint.steps - (before.steps if before else 0)
        return Footprints(known, steps)._bounded(), tuple(changed)

    def of(self, source: str, dag_id: str) -> Footprint | None:
        """What is known of a DAG; None when nothing is."""
        return self.by_dag.get((source, dag_id))

    def _learned(
        self, source: str, dag_id: str, runs: list[FinishedRun], now: float
    ) -> Footprint | None:
        """With these runs, of which one that was run again replaces what it was; None: no news."""
        before = self.of(source, dag_id)
        known = {run.run_id: run for run in (before.runs if before else ())}
        shapes = {run.run_id: shape(run) for run in runs}
        latest = sorted({**known, **shapes}.values(), key=lambda run: run.started_at)[-MOST_RUNS:]
        if before is not None and tuple(latest) == before.runs:
            return None
        return Footprint(source, dag_id, tuple(latest), now)

    def _bounded(self) -> Footprints:
        known, steps = dict(self.by_dag), self.steps
        for key, footprint in self.by_dag.items():
            if len(known) <= MOST_DAGS and steps <= MOST_STEPS:
                break
            del known[key]
            steps -= footprint.steps
        return Footprints(known, steps)


def shape(run: FinishedRun) -> RunShape:
    """The slots that its tasks would have used if none had waited, to within the grid.

    Never less than they would: beginnings are rounded down, and ends up. A day is all of it.
    """
    tasks: dict[Key, list[FinishedTask]] = {}
    for task in run.tasks:
        tasks.setdefault((task.queue, task.executor), []).append(task)
    curves = (Curve(*key, *_steps(each, run.started_at)) for key, each in sorted(tasks.items()))
    return RunShape(run.run_id, run.started_at, tuple(curve for curve in curves if curve.levels))


def shared(offsets: Iterable[float]) -> tuple[float, ...]:
    """The same offsets as the grid's own numbers. Raises ValueError when they are not on it."""
    return tuple(_on_grid(offset) for offset in offsets)


def _on_grid(offset: float) -> float:
    index = bisect_left(GRID, offset)
    if index == len(GRID) or GRID[index] != offset:
        raise ValueError(f"{offset} is no offset of a footprint")
    return GRID[index]


def _steps(
    tasks: Iterable[FinishedTask], started_at: float
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Offsets and the level from each on, only where it changes."""
    changes: Counter[int] = Counter()
    for begin, end in _bins(tasks, started_at):
        changes[begin] += 1
        changes[end] -= 1
    bins = sorted(index for index, change in changes.items() if change)
    levels = accumulate(changes[index] for index in bins)
    return tuple(GRID[index] for index in bins), tuple(levels)


def _bins(tasks: Iterable[FinishedTask], started_at: float) -> Iterator[tuple[int, int]]:
    """Of each task the first bin in which it runs, and the first in which it does no more."""
    for task in tasks:
        offset = max(0.0, task.ready_at - started_at)
        if offset < GRID[LAST]:
            begin = bisect_right(GRID, offset) - 1
            end = bisect_left(GRID, offset + task.run_seconds)
            yield begin, min(max(begin + 1, end), LAST)

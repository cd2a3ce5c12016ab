"""What DAG runs that are over leave to learn from: how many slots they used, and how soon."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

Queue = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FinishedTask:
    """A task instance that ran. ready_at: when it could have started (Unix seconds by our clock).

    run_seconds: how long it then took, without what it waited. task_id: empty where untold.
    """

    queue: str
    executor: str
    ready_at: float
    run_seconds: float
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A DAG run that is over, and those of its tasks that took a slot.

    started_at: when the first of them was ready (Unix seconds by our clock).
    """

    dag_id: str
    run_id: str
    started_at: float
    tasks: tuple[FinishedTask, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Slots of one queue and executor that a run uses if nothing waits, in steps.

    levels[i]: from offsets[i] (seconds after the run's start, rising) until the next one.
    """

    queue: str
    executor: str
    offsets: tuple[float, ...]
    levels: tuple[int, ...]

    def at(self, offset: float) -> int:
        """How many at so many seconds after the start; none before it."""
        step = bisect_right(self.offsets, offset)
        return self.levels[step - 1] if step else 0


@dataclass(frozen=True, slots=True)
class RunShape:
    """What is kept of one run: a curve for each queue and executor that it used."""

    run_id: str
    started_at: float
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one DAG's last runs used, oldest first. source: the Airflow that it belongs to.

    learned_at: when the last of them was learned (Unix seconds). steps: of all curves together.
    """

    source: str
    dag_id: str
    runs: tuple[RunShape, ...]
    learned_at: float
    steps: int = field(init=False, repr=False, compare=False)
    _curves: Mapping[Queue, tuple[Curve, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        curves: dict[Queue, tuple[Curve, ...]] = {}
        for curve in (curve for run in self.runs for curve in run.curves):
            queue = curve.queue, curve.executor
            curves[queue] = (*curves.get(queue, ()), curve)
        steps = sum(len(curve.levels) for each in curves.values() for curve in each)
        object.__setattr__(self, "_curves", curves)
        object.__setattr__(self, "steps", steps)

    def concurrency(self, queue: str, executor: str, offset: float) -> float:
        """How many slots a run is likely to use so many seconds after its start: the mean."""
        used = sum(curve.at(offset) for curve in self._curves.get((queue, executor), ()))
        return used / len(self.runs)

    def most(self, queue: str, executor: str, offset: float) -> int:
        """How many the hungriest of the runs used then."""
        curves = self._curves.get((queue, executor), ())
        return max((curve.at(offset) for curve in curves), default=0)

    @property
    def queues(self) -> frozenset[Queue]:
        """The queues that it used, each with the executor."""
        return frozenset(self._curves)

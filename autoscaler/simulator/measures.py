"""How well a simulated fleet did: who started in time, at what cost, and who was killed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.simulator.crew import TaskRun, Worker

OBJECTIVES = (30, 120, 300)
FLAP_SECONDS = 600.0
DAY_SECONDS = 86_400.0


@dataclass(slots=True)
class Changes:
    """How often one fleet grew, and how often it turned round within ten minutes."""

    launches: int = 0
    flaps: int = 0
    growing: bool | None = None
    changed_at: float = 0.0

    def up(self, now: float, launches: int = 0) -> None:
        """It grew, by a worker that was launched or resumed."""
        self.launches += launches
        self._change(now, growing=True)

    def down(self, now: float) -> None:
        """One of its workers began to leave."""
        self._change(now, growing=False)

    def _change(self, now: float, *, growing: bool) -> None:
        turned = self.growing is not None and self.growing != growing
        self.flaps += turned and now - self.changed_at <= FLAP_SECONDS
        self.growing, self.changed_at = growing, now


@dataclass(frozen=True, slots=True)
class Measures:
    """What came of a simulation. within: seconds -> the share of tasks that started within so many
    of being ready, and were never killed; one that never started did not.

    waits: by quantile (0.5, 0.95, 0.99), of those that started. worker_seconds: of all workers,
    from their launch to their end, or to the simulation's. kills: tasks killed, each time.
    """

    tasks: int
    started: int
    within: Mapping[int, float]
    waits: Mapping[float, float]
    worker_seconds: float
    kills: int
    launches: int
    flaps: int
    days: float
    mean_wait: float = 0.0

    @property
    def launches_a_day(self) -> float:
        """Workers that were launched, without those of the beginning."""
        return self.launches / self.days if self.days else 0.0

    @property
    def flaps_a_day(self) -> float:
        """Changes of direction within ten minutes."""
        return self.flaps / self.days if self.days else 0.0

    @property
    def worker_hours(self) -> float:
        """The cost."""
        return self.worker_seconds / 3600


def measure(
    runs: Sequence[TaskRun], workers: Iterable[Worker], changes: Iterable[Changes], end: float
) -> Measures:
    """The measures of what happened until `end`."""
    waits = sorted(run.wait for run in runs if run.wait is not None)
    good = [run.wait for run in runs if run.wait is not None and not run.kills]
    counted = list(changes)
    total = max(1, len(runs))
    return Measures(
        tasks=len(runs),
        started=len(waits),
        within={
            seconds: sum(1 for wait in good if wait <= seconds) / total for seconds in OBJECTIVES
        },
        waits={quantile: _quantile(waits, quantile) for quantile in (0.5, 0.95, 0.99)},
        worker_seconds=sum(
            (end if worker.ended_at is None else worker.ended_at) - worker.launched_at
            for worker in workers
        ),
        kills=sum(run.kills for run in runs),
        launches=sum(each.launches for each in counted),
        flaps=sum(each.flaps for each in counted),
        days=end / DAY_SECONDS,
        mean_wait=sum(waits) / len(waits) if waits else 0.0,
    )


def _quantile(rising: Sequence[float], quantile: float) -> float:
    """The nearest rank; 0 of nothing."""
    return rising[min(len(rising) - 1, int(quantile * len(rising)))] if rising else 0.0

"""How long tasks and starts are known to take, from the last of each; bounded, whatever comes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate, islice
from math import ceil
from statistics import median

from autoscaler.engine.durations import Durations, durations
from autoscaler.model import Measured, Measurement, Replica, StartUp

MOST_VALUES = 64
MOST_NAMES = 16_384
ANY = ""
TASKS = (Measured.FINISHED_TASK, Measured.TASK)
NUMBER = re.compile(r"\d+")
Key = tuple[Measured, str]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The last durations (seconds) by what was timed, the most recent names kept. A value."""

    durations: Mapping[Key, tuple[float, ...]] = field(default_factory=dict)

    def after(self, measured: Iterable[Measurement]) -> Profiles:
        """With more of them, each also under the name of its like and under none, for others."""
        known: dict[Key, tuple[float, ...]] | None = None
        for one in measured:
            known = dict(self.durations) if known is None else known
            for key in [(one.kind, name) for name in _names(one.name)]:
                values = (*known.pop(key, ()), one.seconds)
                known[key] = values[-MOST_VALUES:]
        if known is None:
            return self
        for key in tuple(islice(known, max(0, len(known) - MOST_NAMES))):
            del known[key]
        return Profiles(known)

    def remaining(self, name: str, elapsed: float) -> float | None:
        """How much longer a task that has run for `elapsed` is likely to take.

        The mean of what those that took longer had left at that age; one that has outlived them
        all is given as long again. None when nothing is known of any task.
        """
        values = self._of(Measured.TASK, name)
        if not values:
            return None
        rising, sums = _sorted(values)
        longer = len(rising) - bisect_right(rising, elapsed)
        return sums[longer] / longer - elapsed if longer else max(elapsed, 0.0)

    def of_task(self, name: str) -> Durations | None:
        """How long it takes, else what is called alike but for numbers, else any task.

        None while no task was timed. What Airflow tells of runs that are over is exact.
        """
        for each in _names(name):
            for kind in TASKS:
                values = self.durations.get((kind, each))
                if values:
                    return durations(values)
        return None

    def start_up(self, fleet: str) -> StartUp | None:
        """How long the fleet's own units took to start; None while none was timed.

        Quantiles by nearest rank, so that each is a time that was measured.
        """
        starts = sorted(self.durations.get((Measured.START, fleet), ()))
        if not starts:
            return None
        p50, p90 = (starts[ceil(share * len(starts)) - 1] for share in (0.5, 0.9))
        return StartUp(p50, p90, len(starts))

    def laid_on(self, replica: Replica, names: Mapping[str, str], now: float) -> Replica:
        """The replica with the time in which its tasks are likely to end, where that is known.

        names: of Airflow's tasks by Celery id. What is fetched and not begun counts as any task.
        """
        worker = replica.worker
        if worker is None or worker.active is None:
            return replica
        running = [
            self.remaining(names.get(task.id, task.name), now - (task.started_at or now))
            for task in worker.active
        ]
        known = [seconds for seconds in running if seconds is not None]
        usual = self._of(Measured.TASK, ANY)
        if len(known) < len(running) or not usual:
            return replica
        seconds = max(known, default=0.0)
        if worker.reserved:
            seconds += ceil(worker.reserved / max(1, worker.slots or 1)) * median(usual)
        return replace(replica, expected_empty_seconds=seconds)

    def _of(self, kind: Measured, name: str) -> tuple[float, ...]:
        return self.durations.get((kind, name)) or self.durations.get((kind, ANY), ())


@lru_cache(maxsize=MOST_NAMES)
def _names(name: str) -> tuple[str, ...]:
    """What is learned under a name is known of these: itself, its like, and any at all."""
    return tuple(dict.fromkeys((name, NUMBER.sub("#", name), ANY)))


@lru_cache(maxsize=MOST_NAMES)
def _sorted(values: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The values in order, and the sums of the last none, one, two … of them.

    Asked for each task that runs, at every tick, and other values only when one has ended.
    """
    rising = tuple(sorted(values))
    return rising, tuple(accumulate(reversed(rising), initial=0.0))

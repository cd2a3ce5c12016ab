"""How far forecasts fell short at such times before, so that a little is kept for it."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

MINUTE, HOURS, DAYS = 60.0, 24, 14
AN_HOUR, A_DAY = 60, 24 * 60  # in minutes
LATELY = 2 * AN_HOUR
WEIGHTS = (1.0, 2.0, 3.0)  # of the last two hours, of the same minute of hours, and of days
MEAN_SECONDS = 4 * 3600.0
KEPT = DAYS * A_DAY + LATELY  # minutes
MOST_SPARE = 0.05  # of what is needed on average


@dataclass(frozen=True, slots=True)
class Surprises:
    """A value. foreseen: what is to be judged yet, levels: what came since; both as (Unix seconds,
    slots). misses: by how much more came than was foreseen in each of the last minutes, round and
    round, NaN where nobody looked; latest: the minute that is not among them yet, and its miss.
    mean: slots that were needed on average. spare: slots to keep for what cannot be foreseen.
    """

    foreseen: tuple[tuple[float, float], ...] = ()
    levels: tuple[tuple[float, float], ...] = ()
    misses: array[float] = field(default_factory=lambda: array("f"))
    latest: tuple[int, float] | None = None
    mean: float = 0.0
    spare: float = 0.0

    def after(
        self, now: float, level: float, foreseen: float, ahead: float, quantile: float
    ) -> Surprises:
        """With what one tick needs, and the most that it foresees until `ahead` seconds later."""
        levels = (*(each for each in self.levels if each[0] < now), (now, level))
        before = self.levels[-1][0] if self.levels else now
        passed = min(MEAN_SECONDS, max(0.0, now - before))
        mean = self.mean + (level - self.mean) * passed / MEAN_SECONDS if self.levels else level
        waiting = (*(each for each in self.foreseen if each[0] < now), (now, foreseen))
        misses, latest = self._judged(now, levels, ahead)
        waiting = tuple(each for each in waiting if now - each[0] < ahead)
        spare = self.spare
        if misses is not self.misses:
            spare = min(_usual(misses, int(now // MINUTE), quantile), MOST_SPARE * mean)
        since = waiting[0][0]
        levels = tuple(each for each in levels if each[0] >= since)
        return Surprises(waiting, levels, misses, latest, mean, max(0.0, spare))

    def _judged(
        self, now: float, levels: tuple[tuple[float, float], ...], ahead: float
    ) -> tuple[array[float], tuple[int, float] | None]:
        """The misses with those forecasts whose time is up; others only once a minute is over."""
        misses, latest = self.misses, self.latest
        for at, foreseen in self.foreseen:
            if not ahead <= now - at < A_DAY * MINUTE:
                continue
            minute = int(at // MINUTE)
            miss = max(level for since, level in levels if since > at) - foreseen
            if latest is None or latest[0] == minute:
                latest = minute, miss if latest is None else max(miss, latest[1])
                continue
            misses = _noted(misses, latest, minute)
            latest = minute, miss
        return misses, latest


def _noted(misses: array[float], latest: tuple[int, float], minute: int) -> array[float]:
    """With a minute that is over; of those until the next one nothing is known."""
    noted = array("f", misses or [math.nan] * KEPT)
    noted[latest[0] % KEPT] = latest[1]
    for unknown in range(latest[0] + 1, min(minute, latest[0] + KEPT)):
        noted[unknown % KEPT] = math.nan
    return noted


def _usual(misses: array[float], minute: int, quantile: float) -> float:
    """The weighted quantile of what was missed lately, and at this time of hours and days."""
    times = (
        range(minute - LATELY, minute),
        (minute - n * AN_HOUR + by for n in range(1, HOURS + 1) for by in (-1, 0, 1)),
        (minute - n * A_DAY + by for n in range(1, DAYS + 1) for by in (-1, 0, 1)),
    )
    weighed: list[tuple[float, float]] = []
    for weight, each in zip(WEIGHTS, times, strict=True):
        found = [miss for at in each if not math.isnan(miss := misses[at % KEPT])]
        weighed += ((miss, weight / len(found)) for miss in found)
    left = quantile * sum(weight for _, weight in weighed)
    usual = 0.0
    for miss, weight in sorted(weighed):
        usual, left = miss, left - weight
        if left <= 0:
            break
    return usual

"""How long a task may still take: its known durations as a distribution, spread where few."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

FEW = 8
SPREAD = (0.8, 0.93, 1.07, 1.25)
OUTLIVED = (0.03, 0.06, 0.1, 0.17, 0.3, 0.6, 1.2, 3.0)
MOST_KNOWN = 16_384


class Durations:
    """Some durations (seconds), in order. Fewer than FEW stand for others close to them as well:
    the next one will be none of them.
    """

    __slots__ = ("_rising", "_sums")

    def __init__(self, values: Sequence[float]) -> None:
        factors = SPREAD if len(values) < FEW else (1.0,)
        self._rising = sorted(value * factor for value in values for factor in factors)
        self._sums = tuple(accumulate(self._rising, initial=0.0))

    def remaining(self, at: float, elapsed: float = 0.0) -> float:
        """How much longer one that has run for `elapsed` may take; at: which quantile, below 1.

        One that has outlived all of them may end at once, or take several times as long.
        """
        rising = self._rising
        first = bisect_right(rising, elapsed) if elapsed > 0 else 0
        longer = len(rising) - first
        if not longer:
            return elapsed * OUTLIVED[int(at * len(OUTLIVED))]
        return rising[first + int(at * longer)] - elapsed

    def share(self, within: float, elapsed: float = 0.0) -> float:
        """The share of the next `within` seconds that it is likely to take."""
        rising, sums = self._rising, self._sums
        first = bisect_right(rising, elapsed) if elapsed > 0 else 0
        longer = len(rising) - first
        if not longer:
            return min(1.0, elapsed / within)
        last = bisect_left(rising, elapsed + within, first)
        ending = sums[last] - sums[first] - (last - first) * elapsed
        return (ending / within + len(rising) - last) / longer


@lru_cache(maxsize=MOST_KNOWN)
def durations(values: tuple[float, ...]) -> Durations:
    """Of these values. Asked for each task at every tick, of values that seldom change."""
    return Durations(values)

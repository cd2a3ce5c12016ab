"""The time that everything else is told: it goes on evenly while somebody sets the clock."""

from __future__ import annotations

import time
from collections.abc import Callable

JUMP_SECONDS = 2.0
STABLE_SECONDS = 60.0
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Seconds since some moment, the machine's sleep included: what leases are measured by."""
    return time.clock_gettime(_CLOCK)


class Clock:
    """Wall time, read once and then advanced by the monotonic clock.

    jump_seconds: how far the wall clock has been set away from `now()`; 0 while they agree.
    anchors: how often the wall time was taken over, 1 at the start. It grows once the wall clock
    has kept to its new time for 60 s: `now()` steps, and what was timed before it means little.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._anchor = (wall(), monotonic())
        self._jumped_at = 0.0
        self.jump_seconds = 0.0
        self.anchors = 1

    def now(self) -> float:
        """Unix seconds. Notices jumps of the wall clock, so call it at every tick."""
        wall, elapsed = self._wall(), self._monotonic()
        now = self._anchor[0] + elapsed - self._anchor[1]
        offset = wall - now
        if abs(offset) <= JUMP_SECONDS:
            self.jump_seconds = 0.0
        elif abs(offset - self.jump_seconds) > JUMP_SECONDS:
            self.jump_seconds = offset
            self._jumped_at = elapsed
        elif elapsed - self._jumped_at >= STABLE_SECONDS:
            self._anchor = (wall, elapsed)
            self.jump_seconds = 0.0
            self.anchors += 1
            return wall
        return now

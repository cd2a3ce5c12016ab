"""How long an idle replica is worth its keep: learned from how soon it was needed again before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

FIRST_SECONDS = 90.0
CHOICES = (15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0, 450.0, 600.0)
MOST_GAPS = 24
LEAST_GAPS = 4
MOST_LEVELS = 4_096


@dataclass(frozen=True, slots=True)
class Level:
    """The n-th replica of a fleet. idle_since: None while it is needed. gaps: how long it was not,
    each time, the latest last. stays_seconds: how long it may be idle before it leaves.
    """

    idle_since: float | None = None
    gaps: tuple[float, ...] = ()
    stays_seconds: float = FIRST_SECONDS

    def needed(self, now: float, return_seconds: float) -> Level:
        """As it is needed again; return_seconds: what letting it go too soon costs."""
        gaps = (*self.gaps, max(0.0, now - (self.idle_since or 0.0)))[-MOST_GAPS:]
        if len(gaps) < LEAST_GAPS:
            return Level(None, gaps, self.stays_seconds)
        return Level(None, gaps, _cheapest(gaps, return_seconds))


@dataclass(frozen=True, slots=True)
class Idling:
    """What is known of every level of a fleet, the first replica first. A value.

    needed: how many were at the last tick.
    """

    levels: tuple[Level, ...] = ()
    needed: int = 0

    def after(self, needed: int, current: int, now: float, return_seconds: float) -> Idling:
        """With what one tick needs of the replicas that there are."""
        needed, known = min(needed, MOST_LEVELS), len(self.levels)
        most = min(max(needed, current), MOST_LEVELS)
        if needed == self.needed and most <= known:
            return self
        levels = [*self.levels, *(Level(idle_since=now) for _ in range(known, most))]
        for index in range(self.needed, needed):
            fresh = index >= known
            levels[index] = Level() if fresh else levels[index].needed(now, return_seconds)
        for index in range(needed, min(self.needed, known)):
            levels[index] = replace(levels[index], idle_since=now)
        return Idling(tuple(levels), needed)

    def kept(self, current: int, now: float) -> tuple[int, float | None]:
        """How many of the present replicas stay, and until when the last of them does."""
        number = min(current, len(self.levels))
        while number > self.needed:
            level = self.levels[number - 1]
            until = (level.idle_since or 0.0) + level.stays_seconds
            if until > now:
                return number, until
            number -= 1
        return number, None

    def set_back(self, seconds: float) -> Idling:
        """With all times earlier, as the clock was set back."""
        levels = (
            level
            if level.idle_since is None
            else replace(level, idle_since=level.idle_since - seconds)
            for level in self.levels
        )
        return replace(self, levels=tuple(levels))


def _cheapest(gaps: Sequence[float], return_seconds: float) -> float:
    """The stay that would have cost least: idle for all of a gap, or for the stay and a return."""
    return min(
        CHOICES,
        key=lambda stay: fmean(gap if gap <= stay else stay + return_seconds for gap in gaps),
    )

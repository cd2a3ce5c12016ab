"""How much one more replica adds to what fleets load, by what was seen when one of them grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median

FEWEST_READINGS = 3
MOST_READINGS = 8
FEWEST_STEPS = 3
MOST_STEPS = 16
SETTLED_SECONDS = 10.0
NO_STEPS: Mapping[str, tuple[float, ...]] = {}


@dataclass(frozen=True, slots=True)
class Level:
    """What was read while no fleet grew or shrank, the last reading last.

    replicas: by fleet, of all that load the same. since, at: the first reading and the last, in
    Unix seconds.
    """

    replicas: Mapping[str, int]
    since: float
    at: float
    readings: tuple[float, ...]

    @property
    def settled(self) -> bool:
        """Whether new workers have had time to do what the readings are to show."""
        enough = len(self.readings) >= FEWEST_READINGS
        return enough and self.at - self.since >= SETTLED_SECONDS

    @property
    def typical(self) -> float:
        """The median, which one odd reading does not move."""
        return median(self.readings)

    def joined(self, later: Level) -> Level:
        """With a reading more."""
        readings = (*self.readings, *later.readings)[-MOST_READINGS:]
        return replace(self, at=later.at, readings=readings)


@dataclass(frozen=True, slots=True)
class Growth:
    """What replicas add to one reading. A value: `after` returns the next one.

    Only steps up of one fleet count, from one settled level to the next: what leaves is idle, and
    tells nothing of what comes to work. before: the last settled level but the present one. steps:
    by fleet, what each replica added, a number for each of the last steps.
    """

    before: Level | None = None
    level: Level | None = None
    steps: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: NO_STEPS)

    def after(self, reading: Level, gap_seconds: float) -> Growth:
        """With one reading more; across a gap longer than that, levels are not compared."""
        level = self.level
        if level is None or not 0 <= reading.at - level.at <= gap_seconds:
            return Growth(None, reading, self._known(reading))
        if reading.replicas == level.replicas:
            return replace(self, level=level.joined(reading))
        before = level if level.settled else self.before
        return Growth(before, reading, self._known(reading))

    def per_replica(self, fleet: str) -> float | None:
        """The median of a fleet's last steps, never below 0; None until there are enough."""
        steps = self.steps.get(fleet, ())
        steps = (*steps, *self._step().get(fleet, ()))[-MOST_STEPS:]
        return max(0.0, median(steps)) if len(steps) >= FEWEST_STEPS else None

    def _known(self, reading: Level) -> Mapping[str, tuple[float, ...]]:
        """All steps up to now, of the fleets that there still are."""
        known = {fleet: steps for fleet, steps in self.steps.items() if fleet in reading.replicas}
        for fleet, step in self._step().items():
            known[fleet] = (*known.get(fleet, ()), *step)[-MOST_STEPS:]
        return known

    def _step(self) -> Mapping[str, tuple[float, ...]]:
        """What the present level tells of a fleet, if it tells anything yet."""
        before, level = self.before, self.level
        if before is None or level is None or not level.settled:
            return NO_STEPS
        if before.replicas.keys() != level.replicas.keys():
            return NO_STEPS
        changes = {
            fleet: number - before.replicas[fleet]
            for fleet, number in level.replicas.items()
            if number != before.replicas[fleet]
        }
        if len(changes) != 1 or min(changes.values()) < 0:
            return NO_STEPS
        added = level.typical - before.typical
        return {fleet: (added / number,) for fleet, number in changes.items()}

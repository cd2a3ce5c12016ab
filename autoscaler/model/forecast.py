"""What a fleet's tasks will want, by all that is known: the ground that `slo` stands on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forecast:
    """Slots that are needed for tasks to start in time. Counts of slots, not whole ones.

    busy: tasks that run on serving workers. queued: tasks that wait. needed: what those two need
    now, as short tasks share a slot and freed slots are taken again. expected: what will be needed
    on top of it by `until` (Unix seconds), when a worker that is asked for now is sure to be there.
    spare: whole slots for what was not foreseen at such times before.
    """

    busy: int
    queued: int
    needed: float
    expected: float
    until: float
    spare: float = 0.0

    @property
    def slots(self) -> float:
        """All of it."""
        return self.needed + self.expected + self.spare

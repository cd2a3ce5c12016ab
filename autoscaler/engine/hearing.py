"""Whose worker was ever heard of: only a unit whose worker never was may be taken for unused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from autoscaler.model import FleetSnapshot, Unit, UnitPhase

Identity = tuple[str, float]
STARTING_SECONDS = 120.0
UNLISTED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is remembered of a fleet's units. A value: `after` returns the next one.

    heard: those whose worker was heard of, or that ran while nobody listened and may have worked.
    A source forgets a silent worker in the end; its unit is remembered here for as long as it
    exists, and for an hour after it was listed last (Unix seconds), as lists have gaps. anyone:
    whether any worker of the fleet ever was heard of, for where remote control is off none is,
    however busy. deaf: whether nobody listened since the last look, if there was one.
    """

    heard: Mapping[Identity, float] = field(default_factory=dict)
    anyone: bool = False
    deaf: bool = True

    def after(self, snapshot: FleetSnapshot) -> Hearing:
        """With what one tick tells."""
        if not snapshot.listening or f"target/{snapshot.fleet.name}" in snapshot.missing:
            return replace(self, deaf=self.deaf or not snapshot.listening)
        present = {_identity(replica.unit): replica for replica in snapshot.replicas}
        heard = {
            identity: snapshot.now
            for identity, replica in present.items()
            if replica.worker is not None or self._may_have_worked(identity, replica.unit)
        }
        unlisted = {
            identity: at
            for identity, at in self.heard.items()
            if identity not in present and snapshot.now - at < UNLISTED_SECONDS
        }
        told = any(replica.worker is not None for replica in present.values())
        return Hearing({**unlisted, **heard}, self.anyone or told, deaf=False)

    def met(self, units: Iterable[Unit], now: float) -> Hearing:
        """With those whose worker answered when it was asked directly."""
        return replace(self, heard={**self.heard, **{_identity(unit): now for unit in units}})

    def never(self, unit: Unit, now: float) -> bool:
        """Whether it is certain that the unit's worker never took a task.

        One that is just starting may take its first one while we look away.
        """
        if self.deaf or _identity(unit) in self.heard:
            return False
        overdue = now - unit.created_at > STARTING_SECONDS
        return unit.phase is UnitPhase.PENDING or (self.anyone and overdue)

    def _may_have_worked(self, identity: Identity, unit: Unit) -> bool:
        unseen = self.deaf and unit.phase is not UnitPhase.PENDING
        return unseen or identity in self.heard


def _identity(unit: Unit) -> Identity:
    return unit.name, unit.created_at

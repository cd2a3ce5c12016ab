"""Whose worker was ever heard of: only a unit whose worker never was may be taken for unused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler.model import Replica, Unit, UnitPhase

Identity = tuple[str, float]
STARTING_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is remembered of a fleet's units. A value: `after` returns the next one.

    heard: those whose worker was heard of, or that ran before we began to listen and may have
    worked; None before the first look. A source forgets a silent worker in the end; its unit is
    remembered here for as long as it exists. anyone: whether any worker of the fleet ever was
    heard of, for where remote control is off none is, however busy.
    """

    heard: frozenset[Identity] | None = None
    anyone: bool = False

    def after(self, replicas: Iterable[Replica]) -> Hearing:
        """With what one reading of all units tells."""
        present = {_identity(replica.unit): replica for replica in replicas}
        heard = frozenset(
            identity
            for identity, replica in present.items()
            if replica.worker is not None or self._may_have_worked(identity, replica.unit)
        )
        told = any(replica.worker is not None for replica in present.values())
        return Hearing(heard, self.anyone or told)

    def never(self, unit: Unit, now: float) -> bool:
        """Whether it is certain that the unit's worker never took a task.

        One that is just starting may take its first one while we look away.
        """
        if self.heard is None or _identity(unit) in self.heard:
            return False
        overdue = now - unit.created_at > STARTING_SECONDS
        return unit.phase is UnitPhase.PENDING or (self.anyone and overdue)

    def _may_have_worked(self, identity: Identity, unit: Unit) -> bool:
        if self.heard is None:
            return unit.phase is not UnitPhase.PENDING
        return identity in self.heard


def _identity(unit: Unit) -> Identity:
    return unit.name, unit.created_at

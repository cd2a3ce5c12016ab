"""What silence proves: a unit of which no worker is told was used by nobody, or nobody listened."""

from __future__ import annotations

from collections.abc import Callable

from autoscaler.model import Unit, UnitPhase
from tests.simulation.oracles.witness import STARTING_SECONDS, Witness

Violated = Callable[[str, str], None]


class Silence:
    """Remembers what one daemon was shown of one fleet's workers."""

    def __init__(self, violated: Violated) -> None:
        self._violated = violated
        self._anyone = False
        self._missed: set[tuple[str, float]] = set()

    def judge(self, leaving: list[Unit], witness: Witness) -> None:
        """A running unit without a worker may go if it must have been heard, had there been one."""
        told = witness.workers.workers if witness.workers else {}
        for unit in leaving:
            if unit.phase is not UnitPhase.RUNNING or unit.worker in told:
                continue
            if witness.now - unit.created_at <= STARTING_SECONDS:
                self._violated("silence", f"{unit.name} goes, and may be about to start")
            if not witness.listening:
                self._violated("silence", f"{unit.name} goes by old news of the others")
            if not self._anyone:
                self._violated("silence", f"{unit.name} goes, and nobody of its fleet ever spoke")
            if (unit.name, unit.created_at) in self._missed:
                self._violated("silence", f"{unit.name} goes, and ran while nobody listened")

    def follow(self, units: tuple[Unit, ...], witness: Witness) -> None:
        """Who was told of in this tick, and who ran unwatched."""
        if not witness.listening or witness.ticks == 1:
            running = (unit for unit in units if unit.phase is UnitPhase.RUNNING)
            self._missed.update((unit.name, unit.created_at) for unit in running)
        if witness.workers is not None:
            names = witness.workers.workers.keys()
            self._anyone |= any(unit.worker in names for unit in units)

"""Units that exist only in memory: to explore a configuration, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import Field

from autoscaler.clients.units import rules
from autoscaler.clients.units.rules import NEVER, Applied
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Context, Options, Target
from autoscaler.model import Action, Drain, Fence, Unit, UnitPhase


class SimulatedOptions(Options):
    """How slow units come and go."""

    start_seconds: float = Field(default=0, ge=0, description="time until a new unit runs")
    stop_seconds: float = Field(default=0, ge=0, description="time until a removed unit is gone")
    initial_replicas: int = Field(default=0, ge=0, description="units that run from the start")


@dataclass(frozen=True, slots=True)
class _Entry:
    unit: Unit
    fence: Fence = NEVER
    stopped_at: float | None = None


class Simulated(Target[SimulatedOptions]):
    """Starts and stops units in nothing but its memory, by the times it is told."""

    options_type = SimulatedOptions

    def __init__(self, options: SimulatedOptions, context: Context) -> None:
        super().__init__(options, context)
        if context.fleet is None:
            raise ConfigError("a simulated target needs a fleet")
        self._fleet = context.fleet
        self._fence = NEVER
        self._entries: dict[str, _Entry] = {}
        self._missing = options.initial_replicas

    async def units(self, now: float) -> tuple[Unit, ...]:
        return tuple(self._present(now).values())

    async def add(self, actions: Sequence[Action]) -> None:
        if not actions:
            return
        units = self._present(actions[0].at)
        for action in rules.additions(actions, units, self._applied(), self._fleet.max_replicas):
            self._put(_unit(action.unit, action.at), action)

    async def mark(self, action: Action, drain: Drain | None) -> None:
        units = self._present(action.at)
        rules.refuse_mark(action, units, self._applied())
        self._put(replace(units[action.unit], drain=drain), action)

    async def remove(self, actions: Sequence[Action]) -> None:
        if not actions:
            return
        units = self._present(actions[0].at)
        for action in rules.removals(actions, units, self._applied()):
            self._put(replace(units[action.unit], phase=UnitPhase.TERMINATING), action)

    def _put(self, unit: Unit, action: Action) -> None:
        stopped_at = action.at if unit.phase is UnitPhase.TERMINATING else None
        self._entries[unit.name] = _Entry(unit, action.fence, stopped_at)
        self._fence = max(self._fence, action.fence)

    def _applied(self) -> Applied:
        return Applied(self._fence, {name: entry.fence for name, entry in self._entries.items()})

    def _present(self, now: float) -> dict[str, Unit]:
        """The units as they are by now, the gone ones forgotten."""
        options = self.options
        for number in range(1, self._missing + 1):
            unit = _unit(f"{self._fleet.name}-{number}", now - options.start_seconds)
            self._entries[unit.name] = _Entry(unit)
        self._missing = 0
        self._entries = {
            name: entry
            for name, entry in self._entries.items()
            if entry.stopped_at is None or now - entry.stopped_at < options.stop_seconds
        }
        return {name: self._by_now(entry.unit, now) for name, entry in self._entries.items()}

    def _by_now(self, unit: Unit, now: float) -> Unit:
        if unit.phase is UnitPhase.PENDING and now - unit.created_at >= self.options.start_seconds:
            return replace(unit, phase=UnitPhase.RUNNING)
        return unit


def _unit(name: str, created_at: float) -> Unit:
    return Unit(name, UnitPhase.PENDING, created_at, worker=f"{name}@simulated")

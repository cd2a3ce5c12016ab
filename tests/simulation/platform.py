"""What runs the units of one fleet: boots, lists, marks and stops them, and checks fences."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoscaler.clients.units import rules
from autoscaler.errors import TargetError
from autoscaler.model import Action, Drain, Fence, Unit, UnitPhase
from tests.simulation.scenario import FleetPlan
from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.world import World

NEVER = Fence(0, 0)
ALIVE = (UnitPhase.PENDING, UnitPhase.RUNNING)


@dataclass(slots=True)
class SimUnit:
    """One unit. process: the worker in it, once there is one."""

    name: str
    created_at: float
    fence: Fence = NEVER
    phase: UnitPhase = UnitPhase.PENDING
    process: SimWorker | None = None
    drain: Drain | None = None
    shielded: bool = False
    zone: str = ""
    ordinal: int | None = None


class Platform:
    """The target's side of one fleet. Refuses what the local target refuses, by the same rules."""

    def __init__(self, world: World, plan: FleetPlan) -> None:
        self._world = world
        self.plan = plan
        self.units: dict[str, SimUnit] = {}
        self.fence = NEVER
        self._past: deque[tuple[float, tuple[Unit, ...]]] = deque(maxlen=200)
        self._changed()

    def listing(self) -> tuple[Unit, ...]:
        """Every unit, as of now or, while listings lag, as of a while ago."""
        lag = self._world.faults.value("listing_lags", self.plan.name)
        horizon = self._world.now - lag
        return next(
            (units for at, units in reversed(self._past) if at <= horizon), self._past[0][1]
        )

    def add(self, actions: Sequence[Action]) -> None:
        """Create the units that are not there yet, as far as the quota goes."""
        views = self._views()
        missing = rules.additions(actions, views, self._applied(), self.plan.max_replicas)
        for action in missing:
            if self._world.faults.on("quota_exceeded", self.plan.name):
                raise TargetError("quota exceeded")
            self.units.pop(action.unit, None)  # a failed one makes way
            self._world.oracles.applied(self, action, None)
            self.fence = max(self.fence, action.fence)
            self.launch(action.unit, action.fence)
            if self._world.faults.strikes("partial_success", self.plan.name):
                raise TargetError("only some units were created")

    def mark(self, action: Action, drain: Drain | None) -> None:
        """Set or take away the drain mark of one unit."""
        rules.refuse_mark(action, self._views(), self._applied())
        unit = self.units[action.unit]
        self._world.oracles.applied(self, action, unit)
        self.fence = max(self.fence, action.fence)
        unit.fence, unit.drain = action.fence, drain
        self._changed()

    def remove(self, actions: Sequence[Action]) -> None:
        """Send SIGTERM to these units."""
        for action in rules.removals(actions, self._views(), self._applied()):
            unit = self.units[action.unit]
            self._world.oracles.applied(self, action, unit)
            self.fence = max(self.fence, action.fence)
            unit.fence = action.fence
            self.stop(unit)
            if self._world.faults.strikes("partial_success", self.plan.name):
                raise TargetError("only some units were removed")

    def launch(self, name: str, fence: Fence = NEVER) -> SimUnit:
        """Begin to boot a unit."""
        world, plan = self._world, self.plan
        number = int(name.rsplit("-", 1)[1])
        unit = SimUnit(name, world.now, fence)
        unit.zone = f"zone-{number % 2}" if plan.zones else ""
        unit.ordinal = number if plan.ordinals else None
        self.units[name] = unit
        slow = world.faults.value("slow_boot", plan.name)
        world.after(world.random.uniform(*plan.boot_seconds) + slow, self._boot, unit)
        self._changed()
        return unit

    def stop(self, unit: SimUnit) -> None:
        """A graceful end: gone once its worker is, or once it never had one."""
        unit.phase = UnitPhase.TERMINATING
        if unit.process is None:
            self._world.after(1.0, self._gone, unit)
        else:
            unit.process.terminate(self.plan.grace_seconds)
        self._changed()

    def lose(self, unit: SimUnit, cause: str) -> None:
        """The unit is gone at once, and with it what ran in it."""
        process, unit.process = unit.process, None
        self._gone(unit)
        if process is not None:
            process.kill(cause)

    def restart_in_place(self, unit: SimUnit, cause: str) -> None:
        """The container dies and starts anew: same unit, same nodename, all its queues."""
        process, unit.process = unit.process, None
        if process is not None:
            process.kill(cause)
        if unit.phase is UnitPhase.RUNNING:
            self._start_worker(unit)

    def repair(self, unit: SimUnit) -> None:
        """Somebody sees to a unit whose worker is not there."""
        if unit.phase is UnitPhase.RUNNING and unit.process is None:
            self._start_worker(unit)

    def alter(self, unit: SimUnit, *, drain: Drain | None, shielded: bool) -> None:
        """Somebody edits the unit by hand."""
        unit.drain, unit.shielded = drain, shielded
        self._changed()

    def fail(self, unit: SimUnit) -> None:
        """The unit could not start; its platform clears it away in a while."""
        unit.phase = UnitPhase.FAILED
        self._world.after(self._world.random.uniform(30, 120), self._gone, unit)
        self._changed()

    def alive(self) -> int:
        """How many units may run tasks or will."""
        return sum(1 for unit in self.units.values() if unit.phase in ALIVE)

    def _boot(self, unit: SimUnit) -> None:
        if self.units.get(unit.name) is not unit or unit.phase is not UnitPhase.PENDING:
            return
        if self._world.faults.strikes("launch_fails", self.plan.name):
            self.fail(unit)
            return
        unit.phase = UnitPhase.RUNNING
        if not self._world.faults.strikes("never_registers", self.plan.name):
            self._start_worker(unit)
        self._changed()

    def _start_worker(self, unit: SimUnit) -> None:
        world = self._world
        process = SimWorker(world, self.nodename(unit.name), self.plan.settings)
        unit.process = process
        process.on_exit = lambda: self._worker_exited(unit, process)
        world.broker.workers.append(process)
        world.after(world.random.uniform(2, 8), process.connect)

    def _worker_exited(self, unit: SimUnit, process: SimWorker) -> None:
        if unit.process is not process:
            return
        if unit.phase is UnitPhase.TERMINATING:
            self._gone(unit)

    def _gone(self, unit: SimUnit) -> None:
        if self.units.get(unit.name) is unit:
            del self.units[unit.name]
            self._changed()

    def nodename(self, unit: str) -> str:
        """The nodename of the worker in this unit."""
        return f"{unit}@sim"

    def _applied(self) -> rules.Applied:
        return rules.Applied(self.fence, {u.name: u.fence for u in self.units.values()})

    def _views(self) -> dict[str, Unit]:
        return {name: self._view(unit) for name, unit in self.units.items()}

    def _view(self, unit: SimUnit) -> Unit:
        return Unit(
            name=unit.name,
            phase=unit.phase,
            created_at=self._world.wall(unit.created_at),
            worker=self.nodename(unit.name),
            drain=unit.drain if unit.phase is not UnitPhase.FAILED else None,
            shielded=unit.shielded,
            zone=unit.zone,
            ordinal=unit.ordinal,
        )

    def _changed(self) -> None:
        self._past.append((self._world.now, tuple(self._views().values())))

"""The simulated world's workers as units that are added, drained and removed as in production."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.clients.units import rules
from autoscaler.clients.units.rules import NEVER, Applied
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Context, Target
from autoscaler.model import Action, Drain, Fence, Unit, UnitPhase
from autoscaler.simulator.celery_side import WorldOptions, nodename
from autoscaler.simulator.crew import BEGIN, Worker


class WorldTarget(Target[WorldOptions]):
    """Launches workers, and ends those that the daemon found to be empty."""

    options_type = WorldOptions

    def __init__(self, options: WorldOptions, context: Context) -> None:
        super().__init__(options, context)
        if context.fleet is None:
            raise ConfigError("a simulated target needs a fleet")
        self._fleet = context.fleet
        self._world = options.world
        self._newest = NEVER
        self._fences: dict[str, Fence] = {}
        self._drains: dict[str, Drain] = {}
        self._units: dict[Worker, Unit] = {}

    async def units(self, now: float) -> tuple[Unit, ...]:
        return tuple(self._present().values())

    async def add(self, actions: Sequence[Action]) -> None:
        present, most = self._present(), self._fleet.max_replicas
        for action in rules.additions(actions, present, self._applied(present), most):
            self._world.launch(self._fleet.name, action.unit)
            self._note(action)

    async def mark(self, action: Action, drain: Drain | None) -> None:
        present = self._present()
        rules.refuse_mark(action, present, self._applied(present))
        if drain is None:
            self._drains.pop(action.unit, None)
        else:
            self._drains[action.unit] = drain
        self._note(action)

    async def remove(self, actions: Sequence[Action]) -> None:
        present = self._present()
        for action in rules.removals(actions, present, self._applied(present)):
            self._world.remove(self._fleet.name, action.unit)
            del self._drains[action.unit]
            self._note(action)

    def _note(self, action: Action) -> None:
        self._newest = max(self._newest, action.fence)
        self._fences[action.unit] = action.fence

    def _applied(self, present: dict[str, Unit]) -> Applied:
        return Applied(self._newest, {name: self._fences.get(name, NEVER) for name in present})

    def _present(self) -> dict[str, Unit]:
        """The units as they are now; those in which nothing changed are the same records."""
        workers = self._world.workers(self._fleet.name).values()
        self._units = {worker: self._unit(worker) for worker in workers}
        return {unit.name: unit for unit in self._units.values()}

    def _unit(self, worker: Worker) -> Unit:
        phase = UnitPhase.RUNNING if worker.ready else UnitPhase.PENDING
        drain = self._drains.get(worker.name)
        before = self._units.get(worker)
        if before is not None and before.phase is phase and before.drain is drain:
            return before
        created_at = BEGIN + worker.launched_at
        return Unit(worker.name, phase, created_at, nodename(worker.name), drain)

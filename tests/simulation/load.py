"""Who sends tasks: each fleet's producers, at a level that changes now and then."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.scenario import FleetPlan

if TYPE_CHECKING:
    from tests.simulation.world import World

LEVELS = (0.0, 0.1, 0.3, 0.6, 1.0, 1.5)
LEVEL_SECONDS = (120.0, 1500.0)


class Load:
    """Poisson arrivals. A level of 1 keeps all slots of the largest fleet busy."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._levels: dict[str, float] = {}
        self._silent: set[str] = set()
        self.quiet = False

    def start(self) -> None:
        """Begin to send."""
        for plan in self._world.scenario.fleets:
            self._change_level(plan)
            self._arrive(plan)

    def send(self, plan: FleetPlan) -> None:
        """One task now."""
        seconds = min(300.0, self._random.expovariate(1 / plan.task_seconds))
        self._world.broker.send(self._random.choice(plan.settings.queues), 0.2 + seconds)

    def send_steady(self, plan: FleetPlan, tasks: int, seconds: float) -> None:
        """Tasks that all last for so long."""
        for _ in range(tasks):
            self._world.broker.send(self._random.choice(plan.settings.queues), seconds)

    def silence(self, plan: FleetPlan) -> Callable[[], None]:
        """The fleet's producers stop; returns how they go on."""
        self._silent.add(plan.name)
        return lambda: self._silent.discard(plan.name)

    def _change_level(self, plan: FleetPlan) -> None:
        self._levels[plan.name] = self._random.choice(LEVELS)
        self._world.after(self._random.uniform(*LEVEL_SECONDS), self._change_level, plan)

    def _arrive(self, plan: FleetPlan) -> None:
        if self.quiet:
            return
        level = 0.0 if plan.name in self._silent else self._levels[plan.name]
        if level > 0:
            self.send(plan)
        slots = plan.max_replicas * plan.settings.slots
        gap = plan.task_seconds / (slots * level) if level > 0 else 30.0
        self._world.after(self._random.expovariate(1 / gap), self._arrive, plan)

"""Draws from the seed which fault classes there are, and lets them happen."""

from __future__ import annotations

import math
from collections.abc import Collection
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.faults import Fault, Heal
from tests.simulation.faults.calls import CALLS
from tests.simulation.faults.platforms import PLATFORMS
from tests.simulation.faults.processes import PROCESSES
from tests.simulation.faults.readings import READINGS
from tests.simulation.faults.workers import WORKERS

if TYPE_CHECKING:
    from tests.simulation.world import World

CATALOGUE: tuple[Fault, ...] = (*READINGS, *CALLS, *WORKERS, *PLATFORMS, *PROCESSES)
DENSITIES = (0.1, 0.25, 0.5, 0.8)
RATES = (0.3, 3.0)


class Nemesis:
    """Each seed enables a random part of the classes, each at a random rate.

    Each class draws from its own stream: leaving one out changes nothing of the others' plans.
    only: leaves out all others.
    """

    def __init__(self, world: World, only: Collection[str] | None) -> None:
        self._world = world
        self._healing: dict[int, Heal] = {}
        self._numbers = 0
        self._over = False
        density = Random(f"{world.seed}/density").choice(DENSITIES)
        self.enabled: dict[str, float] = {}
        for fault in CATALOGUE:
            random = Random(f"{world.seed}/{fault.name}")
            rate = fault.per_hour * math.exp(random.uniform(*map(math.log, RATES)))
            if random.random() < density and (only is None or fault.name in only):
                self.enabled[fault.name] = rate
                self._schedule(fault, random)

    def stop(self) -> None:
        """Nothing more begins, and all that can heal heals."""
        self._over = True
        for number in list(self._healing):
            self._heal(number)

    def _schedule(self, fault: Fault, random: Random) -> None:
        gap = random.expovariate(self.enabled[fault.name] / 3600)
        self._world.after(gap, self._begin, fault, random)

    def _begin(self, fault: Fault, random: Random) -> None:
        if self._over:
            return
        seconds = random.uniform(*fault.seconds)
        self._world.note("fault", fault.name)
        self._world.trace.counts[f"fault {fault.name}"] += 1
        heal = fault.begin(self._world, random)
        if heal is not None:
            self._numbers += 1
            self._healing[self._numbers] = heal
            self._world.after(seconds, self._heal, self._numbers)
        self._schedule(fault, random)

    def _heal(self, number: int) -> None:
        heal = self._healing.pop(number, None)
        if heal is not None:
            heal()

"""Everything outside the daemon, made from one seed."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.broker import SimBroker
from tests.simulation.faults import Conditions
from tests.simulation.faults.calls import trip
from tests.simulation.ledger import Ledger
from tests.simulation.load import Load
from tests.simulation.loop import SimLoop
from tests.simulation.network import Detour, Link, Trip
from tests.simulation.platform import Platform
from tests.simulation.scenario import Scenario
from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.oracles import Oracles

EPOCH = 1_700_000_000.0


class World:
    """The broker, the platforms, the load, and what is wrong with them.

    Each part draws from its own stream, so that one can change without the others.
    """

    cluster: Cluster
    oracles: Oracles

    def __init__(
        self, seed: int, scenario: Scenario, state_directory: Path, tail: int | None
    ) -> None:
        self.seed = seed
        self.scenario = scenario
        self.state_directory = state_directory
        self.loop = SimLoop(f"{seed}/schedule")
        self.trace = Trace(tail)
        self.ledger = Ledger()
        self.random = Random(f"{seed}/world")
        self.lies = Random(f"{seed}/readings")
        self.faults = Conditions(Random(f"{seed}/conditions"), self.loop.time)
        self._calls = Random(f"{seed}/calls")
        self._context = contextvars.copy_context()
        self._pids = 100
        self.detours: dict[str, Detour] = {}
        self.at_next_effect: dict[str, Callable[[Link], object]] = {}
        self.broker = SimBroker(self, [q for plan in scenario.fleets for q in plan.settings.queues])
        self.platforms = {plan.name: Platform(self, plan) for plan in scenario.fleets}
        self.load = Load(self, Random(f"{seed}/load"))

    @property
    def now(self) -> float:
        """Simulated seconds."""
        return self.loop.time()

    def wall(self, at: float | None = None) -> float:
        """Unix seconds by the true clock, now or at a simulated second."""
        return EPOCH + (self.now if at is None else at)

    def after(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """Do something later, in no process of the daemon's."""
        self.loop.call_later(seconds, callback, *args, context=self._context)

    def trip(self, kind: str, subject: str) -> Trip:
        """The fate of a call of this kind, made now."""
        return trip(self.faults, self._calls, kind, subject)

    def note(self, kind: str, text: str = "") -> None:
        """Take an event down in the trace."""
        self.trace.add(self.now, kind, text)

    def next_pid(self) -> int:
        """A process id that nobody had."""
        self._pids += 1
        return self._pids

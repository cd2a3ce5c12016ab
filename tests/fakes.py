"""Plugins and a world of their own, written by hand; faults are switched on by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from autoscaler.errors import ControlError, SourceError, TargetError
from autoscaler.interfaces import Notifier, Options, Policy, Source, Target, Wake, WorkerControl
from autoscaler.model import (
    Action,
    AirflowState,
    BrokerState,
    Drain,
    FleetSnapshot,
    Override,
    QueueState,
    Recommendation,
    Sizing,
    Unit,
    UnitPhase,
    WorkersState,
    WorkerState,
)
from tests.records import worker

T = TypeVar("T")


@dataclass
class World:
    """What the fakes read and change. `fault` of a thing is raised when it is used.

    readings: what a thing gives in the place of what its type says. at: called when it is used.
    """

    depth: int = 0
    units: dict[str, Unit] = field(default_factory=dict)
    workers: dict[str, WorkerState] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[str, Exception] = field(default_factory=dict)
    readings: dict[str, object] = field(default_factory=dict)
    at: dict[str, Callable[[], object]] = field(default_factory=dict)
    airflow: Callable[[float], AirflowState] = lambda now: AirflowState(now, "3.3.2")
    hanging: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    closed: list[str] = field(default_factory=list)
    order: Override | None = None
    busy: Mapping[str, bool] = field(default_factory=dict)

    async def meet(self, thing: str) -> None:
        """Whatever the test has put in the way of `thing`."""
        self.met.add(thing)
        if thing in self.at:
            self.at[thing]()
        if thing in self.hanging:
            await asyncio.Event().wait()
        if thing in self.faults:
            raise self.faults[thing]

    def given(self, thing: str, proper: T) -> T:
        """What was read, unless the test has something odd in its place."""
        return cast("T", self.readings.get(thing, proper))

    def launch(self, name: str, now: float, **of_worker: object) -> None:
        """A unit that runs, with its worker."""
        self.units[name] = Unit(name, UnitPhase.RUNNING, now, worker=f"{name}@host")
        facts = {"heartbeat_at": now, "answered_at": now, **of_worker}
        self.workers[f"{name}@host"] = worker(f"{name}@host", **facts)

    def vanish(self, name: str) -> None:
        """The unit and its worker are gone."""
        del self.units[name]
        self.workers.pop(f"{name}@host", None)


WORLDS: dict[str, World] = {}


class FakeOptions(Options):
    """Which world."""

    world: str


class FakeBroker(Source[FakeOptions]):
    """Reads the depth of every queue."""

    options_type = FakeOptions

    async def read(self, now: float) -> BrokerState:
        world = WORLDS[self.options.world]
        await world.meet("broker")
        queues = {name: QueueState(name, world.depth) for name in self.context.queues}
        return world.given("broker", BrokerState(now, queues))

    async def aclose(self) -> None:
        WORLDS[self.options.world].closed.append("broker")


class FakeAirflow(Source[FakeOptions]):
    """Tells what the test has Airflow say."""

    options_type = FakeOptions

    async def read(self, now: float) -> AirflowState:
        world = WORLDS[self.options.world]
        await world.meet("airflow")
        return world.airflow(now)


class FakeWorkers(Source[FakeOptions], WorkerControl):
    """Reads the workers, and speaks to them."""

    options_type = FakeOptions

    @property
    def _world(self) -> World:
        return WORLDS[self.options.world]

    async def read(self, now: float) -> WorkersState:
        await self._world.meet("workers")
        told = {
            n: replace(w, heartbeat_at=now, answered_at=now) for n, w in self._world.workers.items()
        }
        return self._world.given("workers", WorkersState(now, told))

    async def queues(self, now: float) -> frozenset[str]:
        await self._world.meet("queues")
        return frozenset(q for w in self._world.workers.values() for q in w.queues or ())

    async def watch(self, wake: Wake) -> None:
        await self._world.meet("watch")
        wake("a worker came")

    def control(self) -> WorkerControl:
        return self

    async def cancel_consumers(self, worker: str, queues: Iterable[str]) -> None:
        await self._tell("cancel", worker)
        told = self._world.workers[worker]
        left = frozenset(told.queues or ()) - set(queues)
        self._world.workers[worker] = replace(told, queues=left)

    async def add_consumers(self, worker: str, queues: Iterable[str]) -> None:
        await self._tell("add", worker)
        told = self._world.workers[worker]
        self._world.workers[worker] = replace(
            told, queues=frozenset(queues) | frozenset(told.queues or ())
        )

    async def inspect(self, worker: str, now: float) -> WorkerState:
        await self._tell("inspect", worker)
        return self._world.workers[worker]

    async def _tell(self, what: str, name: str) -> None:
        await self._world.meet(what)
        if name not in self._world.workers:
            raise ControlError(f"{name} does not answer")
        self._world.said.append((what, name))


class FakeTarget(Target[FakeOptions]):
    """Units that come and go at once."""

    options_type = FakeOptions

    @property
    def _world(self) -> World:
        return WORLDS[self.options.world]

    async def units(self, now: float) -> tuple[Unit, ...]:
        await self._world.meet("units")
        return self._world.given("units", tuple(self._world.units.values()))

    async def add(self, actions: Sequence[Action]) -> None:
        await self._world.meet("launch")
        for action in actions:
            self._world.said.append(("launch", action.unit))
            self._world.launch(action.unit, action.at)

    async def mark(self, action: Action, drain: Drain | None) -> None:
        await self._world.meet("mark")
        self._world.said.append(("mark" if drain else "unmark", action.unit))
        self._world.units[action.unit] = replace(self._world.units[action.unit], drain=drain)

    async def remove(self, actions: Sequence[Action]) -> None:
        await self._world.meet("remove")
        for action in actions:
            self._world.said.append(("remove", action.unit))
            self._world.vanish(action.unit)

    async def protect(self, busy: Mapping[str, bool]) -> None:
        await self._world.meet("protect")
        self._world.busy = busy

    async def resize(self, sizings: Sequence[Sizing]) -> tuple[str, str] | None:
        await self._world.meet("resize")
        return self._world.given("resize", None)

    def override(self, now: float) -> Override | None:
        return self._world.order

    async def watch(self, wake: Wake) -> None:
        await self._world.meet("watch target")

    async def aclose(self) -> None:
        self._world.closed.append("target")
        await self._world.meet("close")


class FakePolicy(Policy[FakeOptions]):
    """Wants nothing."""

    options_type = FakeOptions

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        faults = WORLDS[self.options.world].faults
        if "policy" in faults:
            raise faults["policy"]
        return Recommendation(self.context.name, 0, "Nothing", "never more", active=False)


class FakeNotifier(Notifier[FakeOptions]):
    """Remembers nothing; there so that a config can name it."""

    options_type = FakeOptions

    async def notify(self, alerts: Sequence[object], now: float) -> None:
        WORLDS[self.options.world].said += [("alert", str(alert)) for alert in alerts]


SOURCE_DOWN = SourceError("connection refused")
TARGET_DOWN = TargetError("no such API")

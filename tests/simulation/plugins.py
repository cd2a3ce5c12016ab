"""The plugins that a simulated daemon is configured with; each speaks to the world by its link."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from autoscaler.errors import ControlError, NotifyError, SourceError, TargetError
from autoscaler.interfaces import (
    Check,
    CheckOptions,
    Context,
    Notifier,
    Options,
    Policy,
    Source,
    Target,
    WorkerControl,
)
from autoscaler.model import (
    Action,
    Alert,
    BrokerState,
    Drain,
    Finding,
    FleetSnapshot,
    Recommendation,
    Tick,
    Unit,
    WorkersState,
    WorkerState,
)
from tests.simulation.faults.readings import broker_reading, workers_reading
from tests.simulation.network import LINK
from tests.simulation.worker import SimWorker
from tests.simulation.world import World

REPLY_SECONDS = 1.5
FORGET_SECONDS = 600.0


class FakeBrokerSource(Source[Options]):
    """Polls the simulated broker."""

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self._link = LINK.get()

    async def read(self, now: float) -> BrokerState:
        world = self._link.world
        world.oracles.reading(self._link, "broker", None)

        def observe() -> BrokerState:
            if not world.broker.up:
                raise SourceError("connection refused")
            return world.broker.observe(now)

        state = await self._link.call("reads", "", observe, SourceError)
        state = broker_reading(world.faults, world.lies, state)
        world.oracles.reading(self._link, "broker", state)
        return state


class FakeWorkersSource(Source[Options]):
    """Remembers what workers told, as a source does that hears heartbeats and asks for the rest."""

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self._link = LINK.get()
        self._known: dict[str, WorkerState] = {}
        self._control = FakeControl()

    async def read(self, now: float) -> WorkersState:
        world = self._link.world
        world.oracles.reading(self._link, "workers", None)
        await self._link.call("reads", "", lambda: self._hear(world, now), SourceError)
        self._known = {n: w for n, w in self._known.items() if now - w.seen_at < FORGET_SECONDS}
        twins = _twins(world)
        state = WorkersState(at=now, workers=dict(self._known), duplicates=twins)
        state = workers_reading(world.faults, world.lies, state)
        world.oracles.reading(self._link, "workers", state)
        return state

    def control(self) -> WorkerControl:
        return self._control

    def _hear(self, world: World, now: float) -> None:
        if not world.broker.up:
            raise SourceError("connection refused")
        for worker in world.broker.workers:
            if worker.answers and not world.faults.strikes("replies_lost"):
                self._known[worker.name] = worker.state(now)
            elif worker.heard and not world.faults.strikes("heartbeats_lost"):
                known = self._known.get(worker.name, WorkerState(worker.name))
                beat = now if worker.answers else known.heartbeat_at
                offline = worker.stopping
                self._known[worker.name] = replace(known, heartbeat_at=beat, offline=offline)


def _twins(world: World) -> frozenset[str]:
    names = [worker.name for worker in world.broker.workers if worker.answers]
    return frozenset(name for name in names if names.count(name) > 1)


class FakeControl(WorkerControl):
    """Remote control: a message to one nodename, and a reply if somebody there can speak."""

    def __init__(self) -> None:
        self._link = LINK.get()

    async def cancel_consumers(self, worker: str, queues: Iterable[str]) -> None:
        wanted = tuple(queues)
        await self._tell(worker, "cancel", lambda process: process.cancel_consumers(wanted))

    async def add_consumers(self, worker: str, queues: Iterable[str]) -> None:
        wanted = tuple(queues)
        await self._tell(worker, "consume", lambda process: process.add_consumers(wanted))

    async def inspect(self, worker: str, now: float) -> WorkerState:
        world = self._link.world

        def ask() -> WorkerState:
            able = [process for process in self._named(worker) if process.answers]
            heard = [process for process in able if not world.faults.strikes("replies_lost")]
            if len(heard) != 1:
                raise ControlError(f"{worker} does not answer, or twice")
            world.broker.land(heard[0])
            world.oracles.inspected(heard[0])
            return heard[0].state(now)

        return await self._within(worker, ask)

    async def _tell(self, worker: str, what: str, command) -> None:
        world = self._link.world
        world.oracles.told(self._link, worker, what)

        def deliver() -> None:
            processes = self._named(worker)
            for process in processes:
                process.tell(lambda process=process: command(process))
            if not any(process.answers for process in processes):
                raise ControlError(f"{worker} does not answer")

        await self._within(worker, deliver)

    async def _within(self, worker: str, effect):
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                return await self._link.call("control", _fleet(worker), effect, ControlError)
        except TimeoutError as error:
            raise ControlError(f"{worker} does not answer") from error

    def _named(self, worker: str) -> list[SimWorker]:
        broker = self._link.world.broker
        if not broker.up:
            raise ControlError("the broker is down")
        return broker.named(worker)


class FakeTarget(Target[Options]):
    """The platform of the fleet, at the other end of the network."""

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self._link = LINK.get()
        assert context.fleet is not None
        self._fleet = context.fleet.name
        self._platform = self._link.world.platforms[self._fleet]

    async def units(self, now: float) -> tuple[Unit, ...]:
        oracles = self._link.world.oracles
        oracles.reading(self._link, f"target/{self._fleet}", None)
        if self._link.world.faults.on("target_bug", self._fleet):
            raise ZeroDivisionError("units")
        units = await self._link.call("reads", self._fleet, self._platform.listing, TargetError)
        oracles.reading(self._link, f"target/{self._fleet}", units)
        return units

    async def add(self, actions: Sequence[Action]) -> None:
        await self._effect(actions, lambda: self._platform.add(actions))

    async def mark(self, action: Action, drain: Drain | None) -> None:
        await self._effect((action,), lambda: self._platform.mark(action, drain))

    async def remove(self, actions: Sequence[Action]) -> None:
        await self._effect(actions, lambda: self._platform.remove(actions))

    async def _effect(self, actions: Sequence[Action], effect) -> None:
        self._link.world.oracles.sent(self._link, self._platform, actions)
        self._link.world.at_next_effect.pop(self._fleet, lambda _: None)(self._link)
        if self._link.world.faults.strikes("effect_bug", self._fleet):
            raise ZeroDivisionError("effect")
        await self._link.call("effects", self._fleet, effect, TargetError)


class FaultyPolicy(Policy[Options]):
    """Recommends nothing above the rest, and at times raises."""

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self._link = LINK.get()

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        if self._link.world.faults.on("policy_bug", snapshot.fleet.name):
            raise ZeroDivisionError("policy")
        return Recommendation(self.context.name, 0, "Nothing", "never more", active=False)


class FaultyCheck(Check[CheckOptions]):
    """Finds nothing, and at times raises."""

    options_type = CheckOptions

    def __init__(self, options: CheckOptions, context: Context) -> None:
        super().__init__(options, context)
        self._link = LINK.get()

    def find(self, tick: Tick) -> Iterator[Finding]:
        if self._link.world.faults.on("check_bug"):
            raise ZeroDivisionError("check")
        return iter(())


class FakePager(Notifier[Options]):
    """Somebody to be told."""

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self._link = LINK.get()

    async def notify(self, alerts: Sequence[Alert], now: float) -> None:
        told = self._link.world.oracles.paged
        await self._link.call("pages", "", lambda: told(self._link, alerts), NotifyError)


def _fleet(worker: str) -> str:
    return worker.rsplit("-", 1)[0]

"""Elections in counted time while daemons freeze and die, clocks drift, and the store fails.

The real `LeaseLeader` runs in the loop of the fault simulation. After every step no two daemons
may believe that they lead, each term has one leader, and when all is well somebody leads.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import replace
from random import Random

import pytest

from autoscaler.errors import LeaseError
from autoscaler.leader.lease import Found, Lease, LeaseOptions, LeaseStore
from autoscaler.leader.lease_leader import LeaseLeader
from tests.leader.leases import LEASE_SECONDS, UNIX_TIME, Shelf
from tests.simulation.loop import PROCESS, Process, SimLoop

ROUND_SECONDS = 900.0
CALM_SECONDS = 120.0
DAEMONS = 3
FASTEST = 0.019
LATELY = 1.5 * LEASE_SECONDS + 3.0
EFFECT_SECONDS = 5.0


class SlowStore(LeaseStore):
    """A way to the shelf on which requests and answers take time, vanish, or come late."""

    def __init__(self, world: World, number: int) -> None:
        self.durable = world.durable  # type: ignore[misc]  # a constant of real stores
        self._world = world
        self._number = number

    async def read(self) -> Found:
        await self._travel()
        found = self._world.shelf.found
        await self._travel()
        return found

    async def replace(self, found: Found, lease: Lease) -> Found | None:
        """Once sent it may be applied although the sender has frozen, died or given up."""
        self._world.refuse(self._number)
        applied = self._world.send(self._apply, found, lease)
        await self._travel()
        written = await asyncio.shield(applied)
        await self._travel()
        return written

    async def aclose(self) -> None:
        pass

    def _apply(self, found: Found, lease: Lease) -> Found | None:
        shelf = self._world.shelf
        if found.version != shelf.found.version:
            return None
        shelf.put(lease)
        self._world.writes.append(lease)
        return shelf.found

    async def _travel(self) -> None:
        self._world.refuse(self._number)
        await asyncio.sleep(self._world.delay((0.1, 1.0, 3.0)))
        self._world.refuse(self._number)


class Daemon:
    """One process: a candidate with clocks of its own."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        random = world.random
        self.process = Process(f"daemon-{number}")
        self._rate = 1 + random.uniform(-FASTEST, FASTEST)
        self._offset = random.uniform(0, 1e6)
        self.wall_error = 0.0
        options = LeaseOptions(lease_seconds=LEASE_SECONDS)
        place = world.directory / f"state-{number}-{len(world.log)}"
        store = SlowStore(world, number)
        self.leader = LeaseLeader(store, options, place, self._wall, self._elapsed)

    async def run(self) -> None:
        while True:
            await self.leader.acquire()
            await asyncio.sleep(self.leader.pause_seconds)

    def _elapsed(self) -> float:
        return self._offset + self._rate * self._world.loop.time()

    def _wall(self) -> float:
        return UNIX_TIME + self._world.loop.time() + self.wall_error


class World:
    """Three daemons, one shelf, and what breaks them."""

    def __init__(self, seed: int, directory, *, durable: bool) -> None:
        self.random = Random(f"{seed}/faults")
        self.loop = SimLoop(f"{seed}/loop")
        self.directory, self.durable = directory, durable
        self.shelf = Shelf()
        self.writes: list[Lease] = []
        self.log: list[tuple[float, str, int]] = []
        self.down, self.slow, self.cut = False, False, set[int]()
        self.daemons = [Daemon(self, number) for number in range(DAEMONS)]
        self._tasks: list[asyncio.Task[None]] = []
        self._led: dict[int, str] = {}
        self.well_since = 0.0
        self._lost_at = 0.0

    def refuse(self, number: int) -> None:
        if self.down or number in self.cut:
            raise LeaseError("connection refused")

    def delay(self, when_slow) -> float:
        """How many seconds something is under way."""
        return self.random.choice((0.0, 0.001, 0.05, *(when_slow if self.slow else ())))

    def send(self, work, *what):
        """Arrives by itself, whatever becomes of the sender."""

        async def arrive():
            await asyncio.sleep(self.delay((0.5, 2.0, 15.0)))
            return work(*what)

        outside = contextvars.Context()
        return self.loop.create_task(arrive(), context=outside)

    def start(self, number: int) -> None:
        daemon = self.daemons[number]
        context = contextvars.copy_context()
        context.run(PROCESS.set, daemon.process)
        self._tasks.append(self.loop.create_task(daemon.run(), context=context))

    def judge(self) -> None:
        """Frozen ones count: a process may stand still anywhere, also just before it acts."""
        leading = [d.leader for d in self.daemons if d.leader.holds()]
        assert len(leading) <= 1, self.log[-20:]
        for leader in leading:
            assert self._led.setdefault(leader.term, leader.name) == leader.name, self.log[-20:]
            assert leader.term == max(self._led), self.log[-20:]
        now = self.loop.time()
        if leading:
            self.well_since = now
        assert now - self.well_since < LATELY, f"nobody leads: {self.log[-20:]}"

    async def run(self) -> None:
        for number in range(DAEMONS):
            self.start(number)
        ends = ROUND_SECONDS
        while self.loop.time() < ends:
            await asyncio.sleep(0.2)
            stormy = self.loop.time() < ends - CALM_SECONDS
            if stormy and self.random.random() < 0.02:
                self._break()
            if not stormy:
                self._mend()
            if not self._is_well():
                self.well_since = self.loop.time()
            self.judge()
        assert len(self._led) > 1, "leadership never changed"

    def _is_well(self) -> bool:
        frozen = any(daemon.process.frozen is not None for daemon in self.daemons)
        return not (self.down or self.slow or self.cut or frozen)

    def _mend(self) -> None:
        self.down = self.slow = False
        self.cut.clear()
        for daemon in self.daemons:
            if daemon.process.frozen is not None:
                daemon.process.thaw(self.loop)

    def _break(self) -> None:
        faults = [self._freeze, self._kill, self._outage, self._cut, self._end, self._slow]
        faults += [self._set_clock] if self.durable else [self._lose, self._fall_back]
        number = self.random.randrange(DAEMONS)
        fault = self.random.choice(faults)
        self.well_since = self.loop.time()
        self.log.append((self.well_since, fault.__name__, number))
        fault(number)

    def _later(self, work) -> None:
        seconds = self.random.choice((0.5, 5.0, 12.0, 40.0))
        self.loop.call_later(seconds, work, context=contextvars.Context())

    def _freeze(self, number: int) -> None:
        process = self.daemons[number].process
        process.freeze()
        self._later(lambda: process.thaw(self.loop))

    def _kill(self, number: int) -> None:
        self._tasks[number].cancel()
        process = self.daemons[number].process
        process.frozen = None
        process.freeze()
        self.daemons[number] = Daemon(self, number)
        self._restart(number)

    def _end(self, number: int) -> None:
        """An orderly end; the successor in its place knows nothing of it."""
        old = self.daemons[number]
        if old.process.frozen is None:
            self.loop.create_task(old.leader.aclose(), context=contextvars.Context())
            self._kill(number)

    def _restart(self, number: int) -> None:
        daemon = self.daemons[number]
        context = contextvars.copy_context()
        context.run(PROCESS.set, daemon.process)
        self._tasks[number] = self.loop.create_task(daemon.run(), context=context)

    def _outage(self, _: int) -> None:
        self.down = True
        self._later(lambda: setattr(self, "down", False))

    def _slow(self, _: int) -> None:
        self.slow = True
        self._later(lambda: setattr(self, "slow", False))

    def _cut(self, number: int) -> None:
        self.cut.add(number)
        self._later(lambda: self.cut.discard(number))

    def _set_clock(self, number: int) -> None:
        self.daemons[number].wall_error = self.random.choice((-1e6, -100.0, 0.0, 100.0, 1e6))

    def _lose(self, _: int) -> None:
        if self._may_lose():
            self.shelf.put(None)

    def _fall_back(self, _: int) -> None:
        """A failover to a replica that missed the last writes."""
        held = [lease for lease in self.writes[-8:] if lease.holder]
        if held and self._may_lose():
            self.shelf.put(replace(held[0]))

    def _may_lose(self) -> bool:
        """Twice within a lease is more than any election by one record could bear."""
        before, self._lost_at = self._lost_at, self.loop.time()
        return self._lost_at - before > 2 * LEASE_SECONDS


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "forgetful"])
@pytest.mark.parametrize(
    "seeds",
    [range(6), pytest.param(range(6, 66), marks=pytest.mark.full)],
    ids=["few", "many"],
)
def test_never_two_and_soon_one(seeds, durable, tmp_path):
    for seed in seeds:
        place = tmp_path / str(seed)
        world = World(seed, place, durable=durable)
        world.loop.run(world.run())
        left = "Task was destroyed"  # with its process, or at the end of the round
        assert [f for f in world.loop.failures if not f.startswith(left)] == [], seed

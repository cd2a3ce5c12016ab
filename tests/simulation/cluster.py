"""The daemon's processes: what a supervisor starts, the lease they share, and their operators."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

from autoscaler.clock import Clock
from autoscaler.config import Config
from autoscaler.controller import Controller
from autoscaler.errors import TargetError
from autoscaler.interfaces import Leadership
from autoscaler.model import Override
from autoscaler.overrides import Overrides
from tests.simulation.loop import PROCESS
from tests.simulation.network import LINK, Link

if TYPE_CHECKING:
    from tests.simulation.world import World

RENEW_SECONDS = 4.0
LEASE_SECONDS = 15.0
MARGIN_SECONDS = 4.0
RESTART_SECONDS = (0.5, 60.0)
SPACING_SECONDS = 0.5
SECOND_LIVES_SECONDS = (60.0, 300.0)


class Lease:
    """One holder at a time, as far as a lease can: the last one may not know yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._holder: SimLeader | None = None
        self._expires_at = 0.0
        self.term = 0
        world.after(RENEW_SECONDS, self._renew)

    def take(self, leader: SimLeader) -> bool:
        """Begin or continue to hold it."""
        if self._holder is not leader:
            if self._holder is not None and self._world.now < self._expires_at:
                return False
            self.term += 1
            self._holder, leader.term = leader, self.term
            self._world.note("leads", f"daemon {leader.link.number} term {self.term}")
        self._extend(leader)
        return True

    def drop(self) -> None:
        """Lose the record of who holds it."""
        self._holder = None

    def release(self, leader: SimLeader) -> None:
        """Its holder is known to be dead."""
        if self._holder is leader:
            self._holder = None

    def _renew(self) -> None:
        holder = self._holder
        reachable = not self._world.faults.on("lease_unreachable")
        if holder is not None and reachable and holder.link.runs:
            self._extend(holder)
        self._world.after(RENEW_SECONDS, self._renew)

    def _extend(self, leader: SimLeader) -> None:
        self._expires_at = self._world.now + LEASE_SECONDS
        leader.until = self._world.now + LEASE_SECONDS - MARGIN_SECONDS


class SimLeader(Leadership):
    """Leads by a lease, and by its own monotonic clock stops before the lease ends."""

    def __init__(self, lease: Lease, link: Link) -> None:
        self._lease = lease
        self.link = link
        self.until = 0.0

    def holds(self, for_seconds: float = 0.0) -> bool:
        return self.link.world.now + for_seconds < self.until

    async def acquire(self) -> bool:
        if not self.link.world.faults.on("lease_unreachable"):
            self._lease.take(self)
        return self.holds()

    async def aclose(self) -> None:
        self._lease.release(self)


class SimDaemon:
    """One process: the real controller in the loop that the real daemon has."""

    def __init__(self, world: World, link: Link, leader: SimLeader) -> None:
        self._world = world
        self._link = link
        self._leader = leader
        self._config = Config.model_validate(
            {**world.scenario.config(), "state_directory": world.state_directory}
        )
        self._clock = Clock(link.wall, world.loop.time)
        self._overrides = Overrides(world.state_directory)
        self.reload = False
        self._current: Controller | None = None

    async def drain(self, fleet: str, unit: str) -> None:
        """What the operator asks for; refused when there is no such unit or this is a dry run."""
        if self._current is None or not self._link.alive:
            return
        self._link.errands += 1
        try:
            await self._current.drain(fleet, unit, "bad disk")
        except TargetError:
            self._world.note("operator", "is refused")
        finally:
            self._link.errands -= 1

    async def run(self) -> None:
        """Tick for ever."""
        controller = self._current = self._controller(None)
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(controller.health.deliver())
            while True:
                if self.reload:
                    self.reload = False
                    fresh = self._controller(controller)
                    delivery.cancel()
                    await controller.aclose()
                    controller = self._current = fresh
                    delivery = tasks.create_task(controller.health.deliver())
                began = self._world.now
                await self._leader.acquire()
                now = self._clock.now()
                if self._leader.holds():
                    self._world.cluster.expired(self._overrides.expire(now), now)
                self._world.oracles.tick_begins(self._link, now)
                await controller.tick(now)
                self._world.oracles.checked(controller.health.check_errors)
                await asyncio.sleep(self._pause() - (self._world.now - began))

    def _pause(self) -> float:
        if self._world.faults.on("wake_storm"):
            return SPACING_SECONDS
        return self._world.scenario.interval_seconds

    def _controller(self, previous: Controller | None) -> Controller:
        return Controller(
            self._config,
            observers=(lambda tick: self._world.oracles.ticked(self._link, tick),),
            leadership=self._leader,
            overrides=self._overrides,
            previous=previous,
            random=Random(f"{self._world.seed}/daemon/{self._link.number}"),
        )


class Cluster:
    """Keeps at least one daemon running, at most two."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = Random(f"{world.seed}/cluster")
        self.lease = Lease(world)
        self.links: list[Link] = []
        self._daemons: dict[int, tuple[SimDaemon, asyncio.Task[None]]] = {}
        self._leaders: dict[int, SimLeader] = {}
        self._paused: dict[str, tuple[float, float | None]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._operator = Overrides(world.state_directory)

    def start(self) -> None:
        """Start one more daemon, if there is not a second one already."""
        if len(self.links) >= 2:
            return
        self._numbers += 1
        link = Link(self._world, self._numbers)
        leader = SimLeader(self.lease, link)
        context = contextvars.copy_context()
        context.run(PROCESS.set, link.process)
        context.run(LINK.set, link)
        daemon = context.run(SimDaemon, self._world, link, leader)
        task = self._world.loop.create_task(
            daemon.run(), name=f"daemon-{link.number}", context=context
        )
        task.add_done_callback(lambda done: self._ended(link, done))
        link.process.on_death = lambda: self.kill(link)
        self._daemons[link.number] = (daemon, task)
        self._leaders[link.number] = leader
        self.links.append(link)
        self._world.note("starts", f"daemon {link.number}")
        self._world.oracles.started(link)
        if len(self.links) > 1:
            self._world.after(self._random.uniform(*SECOND_LIVES_SECONDS), self.kill, self.links[0])

    def kill(self, link: Link) -> None:
        """SIGKILL: nothing more is sent; a supervisor starts another in a while."""
        if not link.alive:
            return
        self._world.note("dies", f"daemon {link.number}")
        link.alive = False
        link.process.thaw(self._world.loop)
        self.links.remove(link)
        _, task = self._daemons.pop(link.number)
        task.cancel()
        if self._random.random() < 0.7:
            self.lease.release(self._leaders[link.number])
        if not self.links:
            self._world.after(self._random.uniform(*RESTART_SECONDS), self._revive)

    def leader_of(self, link: Link) -> SimLeader:
        """A daemon's part in the election; also of one that has died."""
        return self._leaders[link.number]

    def paused_for(self, fleet: str, now: float) -> float | None:
        """How many seconds ago the operator paused the fleet; None when it is not paused.

        now: by the clock of the daemon that is judged, by which a pause may have ended.
        """
        began, ends_at = self._paused.get(fleet, (0.0, -math.inf))
        over = ends_at is not None and ends_at <= now
        return None if over else self._world.now - began

    async def end(self) -> None:
        """Take down what still runs."""
        tasks = [task for _, task in self._daemons.values()]
        for link in list(self.links):
            self.kill(link)
        await asyncio.gather(*tasks, return_exceptions=True)

    def reload(self) -> None:
        """SIGHUP for all."""
        for daemon, _ in self._daemons.values():
            daemon.reload = True

    def drain(self, fleet: str, unit: str) -> None:
        """An operator wants one unit gone."""
        for link in self.links:
            daemon, _ = self._daemons[link.number]
            self._world.note("operator", f"drains {unit}")
            context = contextvars.copy_context()
            context.run(PROCESS.set, link.process)
            task = self._world.loop.create_task(daemon.drain(fleet, unit), context=context)
            self._errands.add(task)
            task.add_done_callback(self._errands.discard)

    def override(self, override: Override) -> None:
        """An operator speaks."""
        self._operator.set(override)
        self._paused.pop(override.fleet, None)
        if override.replicas is None:
            self._paused[override.fleet] = (self._world.now, override.expires_at)
        self._world.note("override", f"{override.fleet} {override.replicas}")

    def clear_override(self, fleet: str) -> None:
        """The operator has done."""
        self._paused.pop(fleet, None)
        self._operator.clear(fleet, self._world.wall())

    def expired(self, overrides: Iterable[Override], now: float) -> None:
        """A leader, by whose clock it is `now`, has ended these for all."""
        for override in overrides:
            if self.paused_for(override.fleet, now) is None:
                self._paused.pop(override.fleet, None)

    def _ended(self, link: Link, task: asyncio.Task[None]) -> None:
        """Only a crash ends a daemon."""
        if link.alive:
            error = None if task.cancelled() else task.exception()
            self._world.oracles.violated("daemon-lives", f"daemon {link.number} ended: {error!r}")

    def _revive(self) -> None:
        if not self.links:
            self.start()

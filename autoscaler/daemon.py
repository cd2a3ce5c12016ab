"""The process: ticks by the clock and by push, signals, reload, and an orderly end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from autoscaler.calls import Calls
from autoscaler.clock import Clock, elapsed
from autoscaler.config import Config, load
from autoscaler.controller import Controller, Observer
from autoscaler.discovery import Discovery
from autoscaler.engine.footprints import Footprints
from autoscaler.engine.profiles import Profiles
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Context, Leadership, Source, Target
from autoscaler.leader.campaign import campaigning
from autoscaler.leader.sole import SoleLeader
from autoscaler.model import Outcome
from autoscaler.overrides import Overrides
from autoscaler.telemetry.journal import Journal
from autoscaler.telemetry.log import LogObserver, configure
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.recent import Recent
from autoscaler.web.app import serving
from autoscaler.web.backend import Backend

FINISH_SECONDS = 0.8
GRACE_SECONDS = 3.5
WATCH_AGAIN_SECONDS = 5.0

log = structlog.get_logger("autoscaler.daemon")


def run(path: Path, *, dry_run: bool = False, once: bool = False) -> int:
    """Run the daemon until it is told to stop, or for one tick; returns the exit code.

    Raises ConfigError when the config cannot be used at the start.
    """
    config = _load(path, dry_run=dry_run)
    configure(config.log.format, config.log.level)
    return asyncio.run(_run(path, config, dry_run=dry_run, once=once))


async def _run(path: Path, config: Config, *, dry_run: bool, once: bool) -> int:
    async with AsyncExitStack() as stack:
        daemon = Daemon(path, config, dry_run=dry_run)
        stack.push_async_callback(daemon.aclose)
        return await daemon.run_once() if once else await daemon.run()


class Daemon:
    """What outlives a reload is held here; all else is made anew with the controller.

    Stopping leaves workers, drains and marks as they are: the next daemon carries on.
    """

    def __init__(
        self,
        path: Path,
        config: Config,
        *,
        dry_run: bool = False,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self._path = path
        self._dry_run = dry_run
        self._clock = Clock()
        self._leadership = SoleLeader() if dry_run else self._candidacy(config)
        self._told: tuple[str, bool] = ("", False)
        self._calls = Calls()
        self.stop, self.reload, self.wake = self._calls.stop, self._calls.reload, self._calls.wake
        self._overrides = Overrides(config.state_directory)
        self._discovery = Discovery(config.state_directory, remember=not dry_run)
        self._recent = Recent()
        kept = config.journal
        self._journal = (
            Journal(kept.path, kept.keep_days, kept.max_megabytes) if kept.path else None
        )
        self._metrics = Metrics(self._recent, self._journal, lambda: self._clock.jump_seconds)
        self._observers: tuple[Observer, ...] = (self._recent, self._metrics, LogObserver())
        self._observers += observers
        if self._journal is not None:
            self._observers += (self._journal.observe,)
        self._backend = Backend(
            recent=self._recent,
            metrics=self._metrics,
            overrides=self._overrides,
            now=self._clock.now,
            wake=self.wake,
            leadership=self._leadership,
            journal=self._journal,
            drain=self._drain,
        )
        self._controller = self._controller_of(config, None)
        self._generation: list[asyncio.Task[None]] = []

    async def run_once(self) -> int:
        """One tick; 0 if everything could be read."""
        await self._leadership.acquire()
        await self._discovered()
        tick = await self._controller.tick(self._clock.now())
        return 1 if tick.bugs or tick.snapshot.missing else 0

    async def run(self) -> int:
        """Tick until SIGTERM or SIGINT."""
        self._calls.listen_to_signals()
        if self._journal is not None:
            learned = await self._journal.measurements()
            self._controller.profiles = Profiles().after(learned)
            self._controller.footprints = Footprints.known(await self._journal.footprints())
        http = self._controller.config.http
        await self._leadership.acquire()
        async with (
            serving(self._backend, http.host, http.port) as port,
            asyncio.TaskGroup() as tasks,
        ):
            log.info("started", listen=f"{http.host}:{port}", dry_run=self._dry_run)
            lasting = [tasks.create_task(self._journal.run())] if self._journal else []
            campaign = tasks.create_task(campaigning(self._leadership, self.wake))
            self._start_generation(tasks)
            while not self._calls.stopping:
                began = asyncio.get_running_loop().time()
                if self._calls.answered():
                    await self._reload_config(tasks)
                if await self._discovered():
                    self._start_generation(tasks)
                await self._tick(tasks)
                await self._calls.wait_from(began, self._controller.config.interval_seconds)
            await self._step_down(campaign)
            for task in (*self._generation, *lasting):
                task.cancel()
        log.info("stopped", workers="left as they are")
        return 0

    async def aclose(self) -> None:
        """Give everything back; what was observed is in the journal afterwards."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._leadership.aclose)
            if self._journal is not None:
                stack.push_async_callback(self._journal.aclose)
            stack.push_async_callback(self._controller.aclose)

    @property
    def config_loaded(self) -> bool:
        """Whether the config that runs is the last one asked for."""
        return self._metrics.config_loaded

    async def _tick(self, tasks: asyncio.TaskGroup) -> None:
        """One tick; when told to stop meanwhile, it may finish the action at hand, briefly."""
        now = self._clock.now()
        self._tell_changes()
        self._expire_overrides(now)
        tick = tasks.create_task(self._turn(now))
        stop = tasks.create_task(self._calls.stopped())
        await asyncio.wait({tick, stop}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({tick}, timeout=FINISH_SECONDS)
        tick.cancel()
        stop.cancel()

    def _expire_overrides(self, now: float) -> None:
        """Only a leader ends one: the clock of another daemon may be ahead."""
        if self._leadership.holds():
            for override in self._overrides.expire(now):
                log.warning("override expired", fleet=override.fleet, actor=override.actor)

    async def _turn(self, now: float) -> None:
        try:
            await self._controller.tick(now)
        except Exception:
            log.exception("a bug in the tick: nothing was done by it, the next one comes")

    async def _step_down(self, campaign: asyncio.Task[None]) -> None:
        """First of all that ends, for another is waiting."""
        campaign.cancel()
        await asyncio.wait({campaign}, timeout=FINISH_SECONDS)
        await self._leadership.aclose()

    def _candidacy(self, config: Config) -> Leadership:
        context = Context(config.leader.kind, state_directory=config.state_directory)
        return config.leader.make(context).stand(self._clock.now, elapsed)

    def _tell_changes(self) -> None:
        """Log what changed of leadership and of the wall clock, once each."""
        now = (self._leadership.reason, self._clock.jump_seconds != 0)
        (reason, jumped), (before, jumped_before) = now, self._told
        self._told = now
        if reason != before:
            log.warning("follows", why=reason) if reason else log.info("leads")
        if jumped and not jumped_before:
            log.warning("the wall clock was set", seconds=round(self._clock.jump_seconds, 1))

    async def _reload_config(self, tasks: asyncio.TaskGroup) -> None:
        """Put a new controller in the old one's place; a config that is wrong changes nothing."""
        try:
            config = _load(self._path, dry_run=self._dry_run)
            fresh = self._controller_of(config, self._controller)
        except ConfigError as error:
            self._metrics.config_loaded = False
            log.error("config refused, the old one stays", faults=list(error.faults))  # noqa: TRY400 - what is wrong is in the file, not in a traceback
            return
        except Exception:
            self._metrics.config_loaded = False
            log.exception("a bug in a plugin of the config, the old one stays")
            return
        if fresh.config.http.listen != self._controller.config.http.listen:
            log.warning("http.listen changes with the next start only")
        if fresh.config.leader != self._controller.config.leader:
            log.warning("leader changes with the next start only")
        await self._replace(fresh)
        self._start_generation(tasks)
        self._discovery.again()
        self._metrics.config_loaded = True
        log.info("config reloaded", fleets=[fleet.name for fleet in config.fleets])

    async def _discovered(self) -> bool:
        """Put a controller that knows more queues in this one's place; whether that was done."""
        if not await self._discovery.grew(self._controller, self._clock.now()):
            return False
        try:
            fresh = self._controller_of(self._controller.config, self._controller)
        except Exception:
            log.exception("a bug in a plugin: the queues stay as they are")
            return False
        await self._replace(fresh)
        return True

    async def _replace(self, fresh: Controller) -> None:
        """What does not end well, or at all, keeps nothing else from going on."""
        for task in self._generation:
            task.cancel()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._controller.aclose()
        except Exception:
            log.exception("a bug in the end of a plugin")
        self._controller = fresh

    def _controller_of(self, config: Config, previous: Controller | None) -> Controller:
        return Controller(
            config,
            observers=self._observers,
            leadership=self._leadership,
            overrides=self._overrides,
            previous=previous,
            queues=self._discovery.queues,
        )

    def _start_generation(self, tasks: asyncio.TaskGroup) -> None:
        """What runs beside the ticks of one controller: watches and notifiers."""
        config = self._controller.config
        self._backend.token = config.http.token
        self._backend.interval_seconds = config.interval_seconds
        watched: dict[str, Source[Any] | Target[Any]] = {
            **self._controller.sources,
            **{f"target/{name}": target for name, target in self._controller.targets.items()},
        }
        watches = [self._watch(name, plugin) for name, plugin in watched.items()]
        running = (self._controller.health.deliver(), *watches)
        self._generation = [tasks.create_task(coroutine) for coroutine in running]

    async def _drain(self, fleet: str, unit: str, reason: str) -> Outcome:
        return await self._controller.drain(fleet, unit, reason)

    async def _watch(self, name: str, plugin: Source[Any] | Target[Any]) -> None:
        while True:
            try:
                return await plugin.watch(self.wake)
            except Exception:
                log.exception("a bug in the watch", source=name)
                await asyncio.sleep(WATCH_AGAIN_SECONDS)


def _load(path: Path, *, dry_run: bool) -> Config:
    config = load(path)
    return config.model_copy(update={"dry_run": True}) if dry_run else config

"""One tick: read everything once, decide on every fleet, act, examine, tell the observers."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from itertools import chain
from random import Random
from typing import Any, TypeVar

from autoscaler.actuator import Actuator
from autoscaler.config import Config, FleetConfig
from autoscaler.engine.budgets import Loads
from autoscaler.engine.demand import Past, fleet_snapshot
from autoscaler.engine.footprints import Footprints
from autoscaler.engine.foresight import foresee
from autoscaler.engine.outlook import Outlook, finished_tasks
from autoscaler.engine.profiles import Profiles
from autoscaler.errors import TargetError
from autoscaler.health import Health
from autoscaler.interfaces import Context, Leadership, Source, Target, WorkerControl
from autoscaler.leader.sole import SoleLeader
from autoscaler.model import (
    Fleet,
    FleetSnapshot,
    FleetTick,
    Footprint,
    Outcome,
    Override,
    QueuesFrom,
    Result,
    Snapshot,
    Tick,
    WorkersState,
)
from autoscaler.overrides import Overrides
from autoscaler.polling import Polling
from autoscaler.reconciler import Memory, Reconciler

Observer = Callable[[Tick], None]
T = TypeVar("T")
PATIENCE_SECONDS = 5.0


class Controller:
    """Everything but the clock and the server: `await controller.tick(now)` is one whole cycle.

    previous: the controller that this one replaces after a reload; what it remembers carries on.
    queues: of the fleet that names none, as `discovery` found them; without them nothing is done.
    patience_seconds: how long one poll, and one effect, may take. random: spreads retries. What it
    learns of how long tasks take is in `profiles`, and of DAGs in `footprints`; both may be set to
    what an earlier one learned.
    """

    def __init__(
        self,
        config: Config,
        *,
        observers: Iterable[Observer] = (),
        leadership: Leadership | None = None,
        overrides: Overrides | None = None,
        previous: Controller | None = None,
        queues: tuple[str, ...] = (),
        patience_seconds: float = PATIENCE_SECONDS,
        random: Random | None = None,
    ) -> None:
        self.config = config
        self.leadership = leadership or SoleLeader()
        self.overrides = overrides or Overrides(config.state_directory)
        self.last: Tick | None = previous.last if previous else None
        self.profiles: Profiles = previous.profiles if previous else Profiles()
        self._loads: Loads = previous._loads if previous else Loads()
        self.footprints: Footprints = previous.footprints if previous else Footprints()
        self._outlook: Outlook = previous._outlook if previous else Outlook()
        self._turns = asyncio.Lock()
        self._patience_seconds = patience_seconds
        self._observers = tuple(observers)
        self._snapshot = Snapshot(now=0.0)
        self._bugs: dict[str, str] = {}
        self.fleets = config.engine_fleets(queues)
        self.sources: dict[str, Source[Any]] = {
            name: source.make(self._context(name)) for name, source in config.sources.items()
        }
        self._controls = _controls_of(self.sources)
        self.health: Health = Health(
            {n: check.make(self._context(n)) for n, check in config.enabled_checks().items()},
            [spec.make(self._context(spec.kind)) for spec in config.notifiers],
            previous=previous.health if previous else None,
            random=random,
        )
        specs = tuple(zip(config.fleets, self.fleets, strict=True))
        self.targets: dict[str, Target[Any]] = {
            spec.name: spec.target.make(self._context(fleet.name, fleet)) for spec, fleet in specs
        }
        self._polling = self._eyes()
        self._memories: dict[str, Memory] = self._remembered(previous._memories if previous else {})
        self._reconcilers = {spec.name: self._reconciler(spec, fleet) for spec, fleet in specs}

    def memory_of(self, fleet: str) -> Memory:
        """What this controller remembers of a fleet; nothing of one it never had."""
        return self._memories.get(fleet, Memory())

    async def drain(self, fleet: str, unit: str, reason: str) -> Outcome:
        """Drain one unit for good, between two ticks. Raises TargetError when there is none."""
        async with self._turns:
            if fleet not in self._reconcilers:
                raise TargetError(f"no fleet is called {fleet!r}")
            return await self._reconcilers[fleet].drain(unit, reason)

    async def tick(self, now: float) -> Tick:
        """Run one cycle at `now` (Unix seconds). Raises nothing but cancellation."""
        async with self._turns:
            return await self._tick(now)

    async def _tick(self, now: float) -> Tick:
        started = asyncio.get_running_loop().time()
        self._snapshot = snapshot = await self._polling.observe(now)
        views = self._views(snapshot)
        async with asyncio.TaskGroup() as turns:
            running = {
                name: turns.create_task(self._turn(reconciler, views[name]))
                for name, reconciler in self._reconcilers.items()
            }
        learned = self._learn(snapshot)
        tick = Tick(
            number=self.last.number + 1 if self.last else 1,
            snapshot=snapshot,
            fleets={name: turn.result() for name, turn in running.items()},
            duration_seconds=asyncio.get_running_loop().time() - started,
            leader=self.leadership.holds(),
            led_by=self.leadership.led_by,
            not_leading=self.leadership.reason,
            bugs=self._bugs,
            learned=learned,
            known_dags=self.footprints.counts,
            measured=tuple(finished_tasks(snapshot)),
        )
        self._bugs = {}
        measured = (fleet.measured for fleet in tick.fleets.values())
        self.profiles = self.profiles.after(chain(tick.measured, *measured))
        findings, alerts = self.health.examine(tick)
        self.last = replace(tick, findings=findings, alerts=alerts)
        self._tell(self.last)
        return self.last

    def _learn(self, snapshot: Snapshot) -> tuple[Footprint, ...]:
        """What this tick tells of DAGs whose runs are over: the footprints that changed."""
        learned: tuple[Footprint, ...] = ()
        for source, airflow in snapshot.airflows.items():
            runs, now = airflow.finished_runs, snapshot.now
            self.footprints, changed = self.footprints.after(source, runs, now)
            learned += changed
        return learned

    async def aclose(self) -> None:
        """Close every plugin, whatever the others' ends say."""
        async with AsyncExitStack() as stack:
            for plugin in (*self.sources.values(), *self.targets.values()):
                stack.push_async_callback(plugin.aclose)
            stack.push_async_callback(self.health.aclose)

    def _tell(self, tick: Tick) -> None:
        """Give the tick to every observer; one that fails is a bug of the next tick."""
        for observer in self._observers:
            try:
                observer(tick)
            except Exception:  # noqa: BLE001 - one observer's bug must not stop the loop
                self._bugs[f"observer/{observer!r}"] = traceback.format_exc()

    def _views(self, snapshot: Snapshot) -> dict[str, FleetSnapshot]:
        """What each fleet sees, with its share of what all of them load."""
        views = {}
        for name, reconciler in self._reconcilers.items():
            memory = reconciler.memory
            past = Past(memory.hearing, memory.custody, self.profiles)
            views[name] = fleet_snapshot(reconciler.fleet, snapshot, past)
        self._loads = self._loads.after(snapshot, views)
        return self._foreseen(self._loads.laid_on(views), snapshot)

    def _foreseen(
        self, views: Mapping[str, FleetSnapshot], snapshot: Snapshot
    ) -> dict[str, FleetSnapshot]:
        """With what their tasks will want."""
        self._outlook.footprints = self.footprints
        self._outlook.learn(snapshot)
        memories = {name: reconciler.memory for name, reconciler in self._reconcilers.items()}
        before = {name: memory.foresight for name, memory in memories.items()}
        after = foresee(views, before, snapshot, self._outlook, self.profiles)
        for name, (foresight, _) in after.items():
            memories[name].foresight = foresight
        return {name: view for name, (_, view) in after.items()}

    async def _turn(self, reconciler: Reconciler, view: FleetSnapshot) -> FleetTick:
        fleet = reconciler.fleet
        try:
            return await reconciler.turn(view, self._override(fleet.name, view.now))
        except Exception as error:  # noqa: BLE001 - one fleet's bug must not stop the others
            self._bugs[f"fleet/{fleet.name}"] = traceback.format_exc()
            return reconciler.failed(view, repr(error))

    def _remembered(self, before: Mapping[str, Memory]) -> dict[str, Memory]:
        """Of fleets that are not in the config now only how far they counted their effects.

        One that comes back with a later reload would otherwise be taken for an old daemon.
        """
        gone = {name: Memory(sequence=memory.sequence) for name, memory in before.items()}
        here = {fleet.name: before.get(fleet.name, Memory()) for fleet in self.fleets}
        return {**gone, **here}

    def _eyes(self) -> Polling:
        return Polling(
            self.sources,
            self.targets,
            frozenset(self._controls),
            self._patience_seconds,
            lambda name, bug: self._bugs.update({name: bug}),
        )

    def _reconciler(self, spec: FleetConfig, fleet: Fleet) -> Reconciler:
        return Reconciler(
            fleet,
            [policy.make(self._context(policy.kind, fleet)) for policy in spec.policies],
            self._actuator(fleet),
            self.leadership,
            self._memories[fleet.name],
        )

    def _why_not_act(self, fleet: str, term: int) -> Result | None:
        """Why an effect of this term may not be sent now; it must end while we still lead."""
        if self.config.dry_run:
            return Result.DRY_RUN
        leads = self.leadership.holds(self._patience_seconds)
        if not leads or self.leadership.term != term:
            return Result.NOT_LEADER
        override = self._override(fleet, self._snapshot.now)
        return Result.PAUSED if override and override.replicas is None else None

    def _actuator(self, fleet: Fleet) -> Actuator | None:
        if self.config.dry_run or fleet.queues_from is QueuesFrom.NOBODY:
            return None
        return Actuator(
            self.targets[fleet.name],
            self._control_of,
            partial(self._why_not_act, fleet.name),
            lambda bug: self._bugs.update({f"fleet/{fleet.name}": bug}),
            self._patience_seconds,
        )

    def _override(self, fleet: str, now: float) -> Override | None:
        """What holds in the engine's place: another writer above all, then the operator's word.

        What the platform says comes last: who speaks to the daemon knows what is written there.
        """
        said = self.targets[fleet].override(now)
        if said is not None and said.contested:
            return said
        return self.overrides.active(fleet, now) or said

    def _control_of(self, worker: str) -> WorkerControl | None:
        """The channel of the source that saw this worker, else any there is."""
        for name, observation in self._snapshot.observations.items():
            if isinstance(observation, WorkersState) and worker in observation.workers:
                return self._controls.get(name)
        return next(iter(self._controls.values()), None)

    def _context(self, name: str, fleet: Fleet | None = None) -> Context:
        return Context(
            name=name,
            fleet=fleet,
            fleets=self.fleets,
            state_directory=self.config.state_directory,
            interval_seconds=self.config.interval_seconds,
            acts=partial(self._acts, fleet.name if fleet else ""),
        )

    def _acts(self, fleet: str) -> bool:
        return self._why_not_act(fleet, self.leadership.term) is None


def _controls_of(sources: Mapping[str, Source[Any]]) -> dict[str, WorkerControl]:
    controls = {name: source.control() for name, source in sources.items()}
    return {name: control for name, control in controls.items() if control is not None}

"""The world of one test case: sources that read what the case says, and replicas in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autoscaler.cli.case_file import Case, SampleKey
from autoscaler.errors import SourceError
from autoscaler.interfaces import Options, Source, Target, WorkerControl
from autoscaler.model import (
    ActiveTask,
    BrokerState,
    QueueState,
    Sample,
    SampleState,
    Unit,
    UnitPhase,
    WorkersState,
    WorkerState,
)

UNKNOWN = "unknown in this test"
WAITING: SampleKey = ("waiting_tasks", ())
RUNNING: SampleKey = ("running_tasks", ())
OLDEST: SampleKey = ("oldest_task_age_seconds", ())


class CaseWorld:
    """What is measured at a time. `target` is set once the controller has made it."""

    target: Target[Any]

    def __init__(self, case: Case) -> None:
        self.fleet = case.fleet
        self._start = case.start
        self._readings = sorted(case.readings, key=lambda reading: reading.at)

    def values(self, now: float) -> dict[SampleKey, float | None]:
        """What holds now, by name and labels; None is unknown."""
        values: dict[SampleKey, float | None] = {WAITING: 0.0, RUNNING: 0.0}
        for reading in self._readings:
            if reading.at <= now - self._start:
                values.update(reading.values())
        return values

    async def workers(self, now: float, running: int) -> Iterable[WorkerState]:
        """A worker in each unit that runs; those that stay share the running tasks evenly."""
        units = [u for u in await self.target.units(now) if u.phase is UnitPhase.RUNNING]
        staying = [unit for unit in units if unit.drain is None]
        share, more = divmod(running, len(staying) or 1)
        busy = {unit.name: share + (n < more) for n, unit in enumerate(staying)}
        return [self._worker(unit, busy.get(unit.name, 0), now) for unit in units]

    def _worker(self, unit: Unit, busy: int, now: float) -> WorkerState:
        return WorkerState(
            name=unit.worker,
            heartbeat_at=now,
            answered_at=now,
            queues=frozenset(() if unit.drain else self.fleet.queues or ()),
            slots=self.fleet.slots_per_replica or 1,
            active=tuple(ActiveTask(f"{unit.name}/{n}", "task") for n in range(busy)),
            reserved=0,
        )


class WorldOptions(Options):
    """Whose world."""

    world: CaseWorld


class CaseBroker(Source[WorldOptions]):
    """A broker with as many waiting tasks as the case says."""

    options_type = WorldOptions

    async def read(self, now: float) -> BrokerState:
        world = self.options.world
        values = world.values(now)
        waiting, queues = values[WAITING], {}
        if waiting is None:
            raise SourceError(UNKNOWN)
        unreadable = {}
        for position, name in enumerate(world.fleet.queues or ()):
            # Tasks given for no queue in particular wait in the first one.
            depth = values.get(("queue_depth", (("queue", name),)), 0 if position else waiting)
            if depth is None:
                unreadable[name] = UNKNOWN
            else:
                age = values.get(OLDEST) if depth else 0.0
                queues[name] = QueueState(name, int(depth), oldest_age_seconds=age)
        return BrokerState(now, queues, unreadable=unreadable)


class CaseWorkers(Source[WorldOptions]):
    """Workers that run as many tasks as the case says, and obey at once."""

    options_type = WorldOptions

    async def read(self, now: float) -> WorkersState:
        running = self.options.world.values(now)[RUNNING]
        if running is None:
            raise SourceError(UNKNOWN)
        workers = await self.options.world.workers(now, int(running))
        return WorkersState(now, {worker.name: worker for worker in workers})

    def control(self) -> WorkerControl:
        return CaseControl(self.options.world)


class CaseSamples(Source[WorldOptions]):
    """Every other sample that the case gives."""

    options_type = WorldOptions

    async def read(self, now: float) -> SampleState:
        values = self.options.world.values(now)
        others = {key: v for key, v in values.items() if key not in (WAITING, RUNNING, OLDEST)}
        known = [Sample(n, v, now, dict(ls)) for (n, ls), v in others.items() if v is not None]
        unreadable = {name: UNKNOWN for (name, _), value in others.items() if value is None}
        return SampleState(now, tuple(known), unreadable)


class CaseControl(WorkerControl):
    """Speaks to workers that do as they are marked, so there is nothing to tell them."""

    def __init__(self, world: CaseWorld) -> None:
        self._world = world

    async def cancel_consumers(self, worker: str, queues: Iterable[str]) -> None:
        """The mark on the unit has done it."""

    async def add_consumers(self, worker: str, queues: Iterable[str]) -> None:
        """Taking the mark away will do it."""

    async def inspect(self, worker: str, now: float) -> WorkerState:
        found = {each.name: each for each in await self._world.workers(now, 0)}
        return found[worker]

"""What one daemon was shown in this tick, and whether it can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autoscaler.model import (
    BrokerState,
    Fence,
    QueueState,
    Tick,
    Unit,
    UnitPhase,
    WorkersState,
    WorkerState,
)
from tests.simulation.scenario import FleetPlan

if TYPE_CHECKING:
    from tests.simulation.network import Link
    from tests.simulation.world import World

FUTURE_SECONDS = 5.0
STALE_SECONDS = 60.0
SILENT_SECONDS = 10.0
LATELY_SECONDS = 90.0
STARTING_SECONDS = 120.0
ABSURD = 1e15
CONDITIONS_OF_BUGS = (("fleet", "policy_bug"), ("fleet", "effect_bug"), ("target", "target_bug"))
SERVING = (UnitPhase.PENDING, UnitPhase.RUNNING)


class Witness:
    """The truth about one daemon's view. Judges by the rules of the docs, not by our code.

    told: what was said to which worker in this tick. sent: fleets and fences of its effects.
    """

    def __init__(self, world: World, link: Link) -> None:
        self._world = world
        self._link = link
        self._shown: dict[str, Any] = {}
        self._asked: set[str] = set()
        self._calls_before = dict(link.calls)
        self.told: set[tuple[str, str]] = set()
        self.sent: set[tuple[str, Fence]] = set()
        self.now = 0.0
        self.ticks = 0
        self.ticks_in_term = 0
        self._term = -1
        self.ticking = False

    @property
    def term(self) -> int:
        """The term that this daemon believes to lead in."""
        return self._world.cluster.leader_of(self._link).term

    @property
    def settled_in_term(self) -> bool:
        """Whether this is not the first cycle of a term, nor one in which a term began."""
        return self.ticks_in_term > 1 and self.term == self._term

    def begin(self, now: float) -> None:
        """A tick begins."""
        self.now, self.ticking = now, True
        self.ticks += 1
        self._shown, self._asked = {}, set()
        self.told, self.sent = set(), set()
        self._calls_before = dict(self._link.calls)
        self.ticks_in_term = self.ticks_in_term + 1 if self.term == self._term else 1
        self._term = self.term

    def end(self) -> None:
        """The tick is over."""
        self.ticking = False

    def show(self, source: str, shown: Any) -> bool:
        """A poll begins (None) or has succeeded; False if there was one in this tick already."""
        if shown is None:
            first = source not in self._asked
            self._asked.add(source)
            return first
        self._shown[source] = shown
        return True

    def units(self, plan: FleetPlan) -> tuple[Unit, ...] | None:
        """The units that were shown; None when they were not."""
        return self._shown.get(f"target/{plan.name}")

    @property
    def workers(self) -> WorkersState | None:
        """The workers that were shown, if their time can be believed."""
        return self._timely("workers")

    @property
    def broker(self) -> BrokerState | None:
        """The queues that were shown, if their time can be believed."""
        return self._timely("broker")

    @property
    def listening(self) -> bool:
        """Whether what was shown of workers is of this tick, or at most of the one before."""
        workers, interval = self.workers, self._world.scenario.interval_seconds
        return workers is not None and self.now - workers.at <= interval

    def shown(self, source: str) -> bool:
        """Whether this source gave anything that can be believed."""
        return self._timely(source) is not None

    @property
    def lagging(self) -> bool:
        """Whether lists of units were old of late, so that what was just done cannot be known."""
        return self._world.faults.lately("listing_lags", LATELY_SECONDS)

    def unknown(self, plan: FleetPlan) -> list[str]:
        """Everything that this fleet needs and that could not be known in this tick."""
        units, workers = self.units(plan), self.workers
        found = []
        if units is None:
            found.append("units")
        if workers is None:
            found.append("workers")
        found += self._unknown_queues(plan)
        if units is not None and workers is not None:
            found += self._unknown_workers(units, workers)
            found += self._deaf_to(units, workers)
        return found

    def load_unknown(self, plan: FleetPlan) -> bool:
        """Whether queues or workers could not be read, so that the demand is no number."""
        return self.workers is None or bool(self._unknown_queues(plan))

    def speaks(self, worker: WorkerState) -> bool:
        """Whether it made sense within two ticks, or ten seconds, and not in the future."""
        patience = max(SILENT_SECONDS, 2 * self._world.scenario.interval_seconds)
        age = self.now - worker.seen_at
        timely = -FUTURE_SECONDS <= age <= patience
        return timely and not worker.offline and plausible(worker.reserved)

    def demand(self, plan: FleetPlan) -> float:
        """Tasks in the queues and on the serving workers, when all is known."""
        units, workers, broker = self.units(plan), self.workers, self.broker
        assert units is not None
        assert workers is not None
        assert broker is not None
        waiting = sum(broker.queues[queue].waiting for queue in plan.settings.queues)
        states = (workers.workers.get(unit.worker) for unit in units if serving(unit))
        return waiting + sum((w.busy or 0) + (w.reserved or 0) for w in states if w is not None)

    def bugs_expected(self) -> set[str]:
        """Where plugins may have raised what nobody expects."""
        faults, fleets = self._world.faults, self._world.platforms
        found = {n for n in ("broker", "workers") if faults.lately(f"{n}_bug", LATELY_SECONDS)}
        for kind, condition in CONDITIONS_OF_BUGS:
            if faults.lately(condition, LATELY_SECONDS):
                found |= {f"{kind}/{fleet}" for fleet in fleets}
        return found

    def calls(self, tick: Tick) -> Iterator[tuple[str, int, int]]:
        """Calls of this tick by kind, and the most that are right."""
        units = sum(len(fleet.snapshot.replicas) for fleet in tick.fleets.values())
        fleets = len(tick.fleets)
        bounds = {"reads": 2 + fleets, "control": 3 * units, "effects": 2 * fleets + units}
        for kind, bound in bounds.items():
            yield kind, self._link.calls[kind] - self._calls_before.get(kind, 0), bound

    def _unknown_queues(self, plan: FleetPlan) -> list[str]:
        queues = {} if self.broker is None else self.broker.queues
        return [q for q in plan.settings.queues if not _plausible_queue(queues.get(q))]

    def _timely(self, source: str) -> Any:
        shown = self._shown.get(source)
        if shown is None or not -STALE_SECONDS <= shown.at - self.now <= FUTURE_SECONDS:
            return None
        return shown

    def _unknown_workers(self, units: tuple[Unit, ...], workers: WorkersState) -> Iterator[str]:
        for unit in units:
            worker = workers.workers.get(unit.worker)
            if worker is None or not serving(unit):
                continue
            stale = self.speaks(worker) and self.now - (worker.answered_at or 0) > STALE_SECONDS
            if worker.active is None or not plausible(worker.reserved) or stale:
                yield worker.name

    def _deaf_to(self, units: tuple[Unit, ...], workers: WorkersState) -> Iterator[str]:
        """Units that ran for long, when of no unit of the fleet a worker is known."""
        if any(unit.worker in workers.workers for unit in units):
            return
        for unit in units:
            if unit.phase is UnitPhase.RUNNING and self.now - unit.created_at > STARTING_SECONDS:
                yield unit.name


def serving(unit: Unit) -> bool:
    """Whether the fleet has this unit or will have it."""
    return unit.drain is None and unit.phase in SERVING


def plausible(value: float | None) -> bool:
    """Whether this can be a count or an age; None is no value at all."""
    return value is None or (math.isfinite(value) and 0 <= value <= ABSURD)


def _plausible_queue(queue: QueueState | None) -> bool:
    if queue is None:
        return False
    return all(map(plausible, (queue.waiting, queue.consumers, queue.oldest_age_seconds)))

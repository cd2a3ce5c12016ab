"""Oracles of one fleet's turns: what was decided and planned, given what the daemon was shown."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from itertools import pairwise

from autoscaler.model import Action, ActionKind, Fence, FleetTick, Result, Unit
from tests.simulation.oracles.pace import Pace
from tests.simulation.oracles.silence import Silence
from tests.simulation.oracles.witness import SERVING, Witness, serving
from tests.simulation.scenario import FleetPlan

Violated = Callable[[str, str], None]
TOLERANCE = 0.1
WITHIN = "within "
COLLAPSE_FROM = 10


class FleetWatch:
    """Follows one fleet through the life of one daemon."""

    def __init__(
        self,
        plan: FleetPlan,
        interval_seconds: float,
        was_applied: Callable[[str, Fence], bool],
        violated: Violated,
    ) -> None:
        self._plan = plan
        self._interval = interval_seconds
        self._violated = violated
        self._whole_since: float | None = None
        self._last_now: float | None = None
        self._demand: float | None = None
        self._demands: deque[tuple[float, float]] = deque()
        self._gap = "its start"
        self._unanswered: set[str] = set()
        self._term_planned: int | None = None  # in which something could be planned last
        self._pace = Pace(plan, was_applied, violated)
        self._silence = Silence(violated)

    def judge(self, witness: Witness, tick: FleetTick) -> None:
        """Everything that must hold of this turn."""
        units = witness.units(self._plan)
        unknown = witness.unknown(self._plan)
        self._follow(witness, unknown, tick)
        actions = [outcome.action for outcome in tick.outcomes]
        if units is None:
            if actions:
                self._violated("unread-size", "something is done though no size was read")
            return
        self._judge_desired(tick, units)
        self._judge_plan(actions, units, tick.decision.desired, witness)
        adds = (o for o in tick.outcomes if o.action.kind is ActionKind.ADD)
        self._unanswered |= {o.action.unit for o in adds if o.result is Result.FAILED}
        victims = _victims(actions, units)
        leaving = [unit for unit in units if unit.name in _named(actions, ActionKind.REMOVE)]
        if unknown and (victims or leaving or tick.decision.desired < tick.decision.current):
            what = _names(victims or leaving) or f"{tick.decision.desired} are desired"
            self._violated("unknown-lowers", f"{what} while {unknown} unknown")
        if witness.ticks == 1 and tick.decision.desired != tick.decision.current:
            self._violated("first-cycle", f"{tick.decision.desired} are desired at once")
        self._judge_leaving(leaving, witness)
        self._silence.judge(leaving, witness)
        self._silence.follow(units, witness)
        self._judge_telling(tick, unknown, witness)
        self._judge_idlers(tick, units, witness)
        overridden = tick.override is not None
        if victims and not overridden:
            self._judge_victims(victims, units, witness)
        self._pace.judge(tick, units, victims, excused=overridden or witness.lagging)

    def _judge_telling(self, tick: FleetTick, unknown: list[str], witness: Witness) -> None:
        """What is unknown is said to be, and is no number; what is paused does nothing at all."""
        snapshot, override = tick.snapshot, tick.override
        if unknown and not snapshot.missing:
            self._violated("unknown-told", f"nothing is said of {unknown}")
        if witness.load_unknown(self._plan) and snapshot.samples.named("demand_tasks"):
            self._violated("unknown-number", "a demand is told that nobody knows")
        if override is not None and override.replicas is None:
            busy = [o.result for o in tick.outcomes if o.result is not Result.PAUSED]
            if busy:
                self._violated("paused", f"{busy} in a pause")

    def _judge_idlers(self, tick: FleetTick, units: tuple[Unit, ...], witness: Witness) -> None:
        """Who is to serve and consumes nothing is told to, or leaves."""
        if tick.result is Result.ERROR:
            return
        first, self._term_planned = self._term_planned != witness.term, witness.term
        if first or not witness.settled_in_term:
            return
        concerned = {outcome.action.unit for outcome in tick.outcomes}
        told = witness.workers.workers if witness.workers else {}
        for unit in units:
            worker = told.get(unit.worker)
            if worker is None or worker.queues != frozenset() or unit.name in concerned:
                continue
            if serving(unit) and self._hears(unit, witness):
                self._violated("revived", f"{unit.name} consumes nothing, and is not told to")

    def _follow(self, witness: Witness, unknown: list[str], tick: FleetTick) -> None:
        """Note since when all was known without a break, and what was wanted."""
        now, before = witness.now, self._last_now
        self._last_now = now
        longest = max(6 * self._interval, min(self._plan.down_window, 60.0))
        broken = before is not None and not 0 <= now - before <= longest
        bug = tick.result is Result.ERROR and not tick.outcomes
        if before is None or broken or unknown or bug:
            self._whole_since = None
            self._gap = f"{', '.join(unknown) or 'a pause or a bug'} at {now:.0f}"
        if before is not None and now < before:
            self._demands.clear()
            self._pace.set_back(before - now)
        if unknown or bug:
            return
        demand = witness.demand(self._plan)
        collapsed = demand == 0 and (self._demand or 0) >= COLLAPSE_FROM
        if self._whole_since is None or collapsed:
            self._whole_since = now
        self._demand = demand
        self._demands.append((now, demand))
        while self._demands[0][0] <= now - self._plan.down_window:
            self._demands.popleft()

    def _judge_desired(self, tick: FleetTick, units: tuple[Unit, ...]) -> None:
        plan, decision = self._plan, tick.decision
        present = sum(1 for unit in units if serving(unit))
        if decision.current != present:
            self._violated("current", f"{present} are serving, not {decision.current}")
        inside = plan.min_replicas <= decision.desired <= plan.max_replicas
        if not inside and decision.desired != present:
            self._violated("min-max", f"{decision.desired} is desired")
        if tick.error and tick.result is Result.FROZEN:
            self._violated("frozen", tick.error)
        for first, second in pairwise(decision.steps):
            if first.after != second.before:
                self._violated("trail", f"{first.stage} ends at {first.after}, then {second}")
        for step in decision.steps:
            if (
                step.message.startswith(WITHIN)
                and not plan.min_replicas <= step.after <= plan.max_replicas
            ):
                self._violated("trail", f"{step} is not true")

    def _judge_plan(
        self, actions: list[Action], units: tuple[Unit, ...], desired: int, witness: Witness
    ) -> None:
        """Bounds of the plan as a whole, as the units were shown."""
        plan = self._plan
        present = sum(1 for unit in units if serving(unit))
        alive = sum(1 for unit in units if unit.phase in SERVING)
        added = sorted(_named(actions, ActionKind.ADD))
        marked = {unit.name for unit in units if unit.drain}
        resumed = sorted(_named(actions, ActionKind.RESUME) & marked)
        victims = _victims(actions, units)
        if added and alive + len(added) > plan.max_replicas:
            self._violated("at-most-max", f"{alive} units are there and {added} are added")
        if len(added) + len(resumed) > max(0, desired - present):
            self._violated("no-more-than-asked", f"{added} and {resumed} for {desired}")
        if len(victims) > max(0, present - desired):
            self._violated("no-fewer-than-asked", f"{victims} for {desired} of {present}")
        draining = {unit.name for unit in units if unit.drain and unit.phase in SERVING}
        staying = [u.ordinal for u in units if serving(u) and u.ordinal is not None]
        top = max(staying, default=-1)
        leaving = [u for u in units if u.name in draining and not (u.ordinal or 0) < top]
        if victims and len(leaving) + len(victims) > plan.max_draining:
            self._violated("max-draining", f"{victims} beside {sorted(draining)}")
        pinned = {unit.name for unit in units if unit.drain and unit.drain.pinned}
        able = [u for u in units if u.name in draining - pinned and self._hears(u, witness)]
        if added and len(resumed) < len(able):
            self._violated("resume-first", f"{added} are added, {len(able)} could be resumed")
        failed, self._unanswered = self._unanswered - {unit.name for unit in units}, set()
        if added and failed and min(map(_number, failed)) < min(map(_number, added)):
            self._violated("same-name", f"{added} after {failed}: a late one is one too many")
        if len({action.unit for action in actions}) < len(actions):
            self._violated("one-action", "two actions concern one unit")

    def _judge_victims(self, victims: list[Unit], units: tuple[Unit, ...], w: Witness) -> None:
        plan, now = self._plan, w.now
        left = sum(1 for unit in units if serving(unit)) - len(victims)
        whole_for = now - (now if self._whole_since is None else self._whole_since)
        forced = left >= plan.max_replicas
        if whole_for < plan.down_window and w.ticks > 1:
            self._violated(
                "settled", f"{_names(victims)} leave {whole_for:.0f} s after {self._gap}"
            )
        wanted = max(demand for _, demand in self._demands)
        needed = math.ceil(wanted / (plan.settings.slots * (1 + TOLERANCE)) - 1e-9)
        if left < min(needed, plan.max_replicas) and not forced:
            self._violated("stabilized", f"{left} are left, and lately {needed} were needed")
        if any(unit.shielded for unit in victims):
            self._violated("shielded", f"{_names(victims)} may not be touched")
        staying = [unit for unit in units if serving(unit) and unit not in victims]
        if plan.ordinals:
            lowest = min(unit.ordinal or 0 for unit in victims)
            if any((unit.ordinal or 0) > lowest for unit in staying):
                self._violated("top-ordinals", f"{_names(victims)} are not the highest")
        elif not w.lagging and any(self._held(unit, w) for unit in victims):
            idle = [u for u in staying if not u.shielded and self._held(u, w) == 0]
            if idle:
                self._violated("idle-first", f"{_names(victims)} are busy, {_names(idle)} idle")

    def _judge_leaving(self, leaving: list[Unit], witness: Witness) -> None:
        """Only what was marked, and told by fresh word to be empty, is to be removed."""
        for unit in leaving:
            workers = witness.workers
            worker = workers.workers.get(unit.worker) if workers else None
            holds = worker is not None and (worker.queues or not worker.empty)
            if unit.drain is None or holds or not self._hears(unit, witness):
                self._violated("verified", f"{unit.name} is to be removed, shown as {worker}")

    def _hears(self, unit: Unit, witness: Witness) -> bool:
        workers = witness.workers
        worker = workers.workers.get(unit.worker) if workers else None
        if workers is None or unit.worker in workers.duplicates:
            return False
        if worker is None:
            return True
        return witness.speaks(worker)

    def _held(self, unit: Unit, witness: Witness) -> int | None:
        """Tasks on a unit that takes work; None when it takes none."""
        workers = witness.workers
        worker = workers.workers.get(unit.worker) if workers else None
        if worker is None or not self._hears(unit, witness) or not worker.queues:
            return None
        return (worker.busy or 0) + (worker.reserved or 0)


def _named(actions: list[Action], kind: ActionKind) -> set[str]:
    return {action.unit for action in actions if action.kind is kind}


def _victims(actions: list[Action], units: tuple[Unit, ...]) -> list[Unit]:
    chosen = _named(actions, ActionKind.DRAIN)
    return [unit for unit in units if unit.name in chosen and unit.drain is None]


def _number(name: str) -> int:
    return int(name.rsplit("-", 1)[1])


def _names(units: list[Unit]) -> str:
    return ", ".join(unit.name for unit in units)

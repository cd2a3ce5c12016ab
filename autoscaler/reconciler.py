"""One fleet's turn: decide, plan, act, remember."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autoscaler.actuator import Actuator
from autoscaler.engine.custody import Custody
from autoscaler.engine.decide import decide
from autoscaler.engine.foresight import Foresight
from autoscaler.engine.hearing import Hearing
from autoscaler.engine.history import History
from autoscaler.engine.invariants import violations
from autoscaler.engine.learning import Learning
from autoscaler.engine.ledger import killed_tasks
from autoscaler.engine.right_size import right_size
from autoscaler.engine.scale_in import kept_by_order, plan
from autoscaler.engine.usage import Usage
from autoscaler.errors import TargetError
from autoscaler.interfaces import Leadership, Policy
from autoscaler.model import (
    Action,
    ActionKind,
    Decision,
    Fence,
    Fleet,
    FleetSnapshot,
    FleetTick,
    Outcome,
    Override,
    Result,
    Sizing,
    Stage,
    Step,
)

UNSURE_SECONDS = 300.0
GROWING = (ActionKind.ADD, ActionKind.RESUME)
UNSURE = (Result.FAILED, Result.ERROR)


@dataclass
class Memory:
    """What a fleet's turns remember, kept over a reload. `sequence` orders its effects.

    term: in which the last turn was. followed: the size at the last turn, if another daemon led
    then. unsure: units that were asked for, nobody knows with what
    success -> when (Unix seconds).
    """

    history: History = field(default_factory=History)
    sequence: int = 0
    last: Decision | None = None
    seen: FleetSnapshot | None = None
    hearing: Hearing = field(default_factory=Hearing)
    custody: Custody = field(default_factory=Custody)
    learning: Learning = field(default_factory=Learning)
    usage: Usage = field(default_factory=Usage)
    foresight: Foresight = field(default_factory=Foresight)
    term: int | None = None
    followed: int | None = None
    unsure: Mapping[str, float] = field(default_factory=dict)


class Reconciler:
    """Brings one fleet towards what its policies want. Holds no I/O but its actuator's."""

    def __init__(
        self,
        fleet: Fleet,
        policies: Sequence[Policy[Any]],
        actuator: Actuator | None,
        leadership: Leadership,
        memory: Memory,
    ) -> None:
        self.fleet = fleet
        self.memory = memory
        self._policies = policies
        self._actuator = actuator
        self._leadership = leadership

    async def turn(self, snapshot: FleetSnapshot, override: Override | None) -> FleetTick:
        """Decide on the snapshot and carry it out. Without an actuator nothing is ever done."""
        killed = killed_tasks(self.memory.seen, snapshot)
        self.memory.seen = snapshot
        self.memory.hearing = self.memory.hearing.after(snapshot)
        self.memory.custody = self.memory.custody.after(snapshot)
        self.memory.learning, measured = self.memory.learning.after(snapshot)
        self.memory.usage = self.memory.usage.after(snapshot)
        made = await self._turn(snapshot, override)
        sizings = right_size(self.memory.usage, snapshot)
        resized = await self._resize(made, sizings)
        outcomes = (*made.outcomes, *resized)
        return replace(
            made, outcomes=outcomes, killed_tasks=killed, measured=measured, sizings=sizings
        )

    async def _resize(self, made: FleetTick, sizings: Sequence[Sizing]) -> tuple[Outcome, ...]:
        """At most one unit, and only in a turn in which all else may be done too."""
        paused = made.override is not None and made.override.replicas is None
        if self._actuator is None or paused or made.error or made.snapshot.missing:
            return ()
        changed = await self._actuator.resize(sizings, self._leadership.term)
        if changed is None:
            return ()
        unit, reason = changed
        self.memory.sequence += 1
        fence, at = Fence(self._leadership.term, self.memory.sequence), made.snapshot.now
        action = Action(ActionKind.RESIZE, self.fleet.name, unit, fence, at, reason)
        return (Outcome(action, Result.APPLIED),)

    async def _turn(self, snapshot: FleetSnapshot, override: Override | None) -> FleetTick:
        if f"target/{self.fleet.name}" in snapshot.missing:
            return self._hold(snapshot, override)
        memory = self.memory
        self._read_back(snapshot)
        self._credit_others(snapshot)
        decision, memory.history = decide(self._policies, snapshot, memory.history, override)
        memory.last = decision
        actions = self._plan(snapshot, decision.desired)
        if broken := "; ".join(violations(snapshot, decision, actions)):
            outcomes = _none_done(actions, Result.FROZEN)
            return FleetTick(snapshot, decision, Result.FROZEN, outcomes, override, broken)
        outcomes = await self._act(actions, snapshot, override)
        self._remember(outcomes, snapshot)
        if self._actuator is not None:
            await self._actuator.protect(snapshot, self._leadership.term)
        return FleetTick(snapshot, decision, _result_of(outcomes), outcomes, override)

    async def drain(self, unit: str, reason: str) -> Outcome:
        """Drain one unit because an operator says so; it is not resumed, and leaves when empty.

        Raises TargetError when the last tick saw no such unit, or nothing may be done.
        """
        snapshot = self.memory.seen
        replica = next((r for r in snapshot.replicas if r.name == unit), None) if snapshot else None
        if snapshot is None or replica is None:
            raise TargetError(f"fleet {self.fleet.name} has no unit {unit!r}")
        if self._actuator is None:
            raise TargetError("nothing is changed: a dry run, or its queues are not known yet")
        leaving = {unit, *(each.name for each in snapshot.replicas if each.draining)}
        if above := kept_by_order(leaving, snapshot).get(unit):
            raise TargetError(f"{unit} can leave only after {above}, which has a higher ordinal")
        self.memory.sequence += 1
        worker = replica.worker
        action = Action(
            kind=ActionKind.DRAIN,
            fleet=self.fleet.name,
            unit=unit,
            fence=Fence(self._leadership.term, self.memory.sequence),
            at=snapshot.now,
            reason=reason,
            worker=worker.name if worker else "",
            queues=tuple(sorted((worker and worker.queues) or self.fleet.queues)),
            pinned=True,
        )
        [outcome] = await self._actuator.carry_out([action], snapshot)
        return outcome

    def failed(self, snapshot: FleetSnapshot, error: str) -> FleetTick:
        """The record of a turn that ended in a bug."""
        self._doubt()
        step = Step(Stage.GUARD, snapshot.current, snapshot.current, "Bug", error)
        decision = _unchanged(snapshot, step)
        return FleetTick(snapshot, decision, Result.ERROR, error=error)

    def _plan(self, snapshot: FleetSnapshot, desired: int) -> tuple[Action, ...]:
        """What there is to do; the first cycle of a term only observes."""
        memory, term = self.memory, self._leadership.term
        first, memory.term = memory.term != term, term
        if first:
            return ()
        actions = plan(snapshot, desired, Fence(term, memory.sequence + 1))
        memory.sequence += len(actions)
        return actions

    def _read_back(self, snapshot: FleetSnapshot) -> None:
        """What was asked for without an answer, and is there now, counts as a change of now."""
        memory, now = self.memory, snapshot.now
        there = {replica.name for replica in snapshot.replicas if replica.unit.drain is None}
        came = len(memory.unsure.keys() & there)
        memory.unsure = {
            name: min(at, now)
            for name, at in memory.unsure.items()
            if name not in there and now - at < UNSURE_SECONDS
        }
        if came:
            current, behavior = snapshot.current, self.fleet.behavior
            history = memory.history.until(now)
            memory.history = history.scaled(current - came, current, now, behavior)

    def _credit_others(self, snapshot: FleetSnapshot) -> None:
        """What changed while another led counts as if we had done it: we may lead next."""
        memory, current = self.memory, snapshot.current
        if memory.followed is not None:
            history = memory.history.until(snapshot.now)
            memory.history = history.scaled(
                memory.followed, current, snapshot.now, self.fleet.behavior
            )
        memory.followed = None if self._leadership.holds() else current

    def _hold(self, snapshot: FleetSnapshot, override: Override | None) -> FleetTick:
        """No number can follow from a size that was not read."""
        why = snapshot.missing[f"target/{self.fleet.name}"]
        last = self.memory.last
        size = last.desired if last else 0
        step = Step(Stage.GUARD, size, size, "TargetUnreadable", f"nothing is done: {why}")
        self._doubt()
        decision = replace(last, at=snapshot.now, steps=(step,)) if last else None
        return FleetTick(
            snapshot, decision or _unchanged(snapshot, step), Result.FAILED, (), override, ""
        )

    def _doubt(self) -> None:
        """Nothing was recommended in this turn, so what came before it stabilizes nothing."""
        guard = replace(self.memory.history.guard, known_since=None)
        self.memory.history = replace(self.memory.history, guard=guard)

    async def _act(
        self, actions: Sequence[Action], snapshot: FleetSnapshot, override: Override | None
    ) -> tuple[Outcome, ...]:
        if override is not None and override.replicas is None:
            return _none_done(actions, Result.PAUSED)
        if self._actuator is None:
            return _none_done(actions, Result.DRY_RUN)
        return await self._actuator.carry_out(actions, snapshot)

    def _remember(self, outcomes: Sequence[Outcome], snapshot: FleetSnapshot) -> None:
        """A drain that failed half way counts too: its unit is marked and will leave.

        Who answers when asked before a removal is not unheard of, though no source tells of it.
        """
        spoke = {o.action.unit for o in outcomes if o.action.unheard and o.result is Result.WAITING}
        met = (replica.unit for replica in snapshot.replicas if replica.name in spoke)
        self.memory.hearing = self.memory.hearing.met(met, snapshot.now)
        marked = {replica.name for replica in snapshot.replicas if replica.unit.drain}
        serving = {replica.name for replica in snapshot.replicas if replica.serving}
        grown = [o for o in outcomes if o.action.kind in GROWING and o.action.unit not in serving]
        asked = {o.action.unit: snapshot.now for o in grown if o.result in UNSURE}
        sure = {o.action.unit for o in grown if o.result is Result.APPLIED}
        self.memory.unsure = {
            name: at for name, at in {**self.memory.unsure, **asked}.items() if name not in sure
        }
        ups = len(sure)
        downs = sum(
            1
            for outcome in outcomes
            if outcome.action.kind is ActionKind.DRAIN
            and outcome.action.unit not in marked
            and outcome.result in (Result.APPLIED, *UNSURE)
        )
        if ups or downs:
            before, now, behavior = snapshot.current, snapshot.now, self.fleet.behavior
            history = self.memory.history
            self.memory.history = history.scaled(before, before + ups - downs, now, behavior)


def _none_done(actions: Sequence[Action], result: Result) -> tuple[Outcome, ...]:
    return tuple(Outcome(action, result) for action in actions)


def _unchanged(snapshot: FleetSnapshot, step: Step) -> Decision:
    size = snapshot.current
    return Decision(snapshot.fleet.name, snapshot.now, size, size, (step,))


def _result_of(outcomes: Sequence[Outcome]) -> Result:
    """The fleet's result: the worst that came of its actions, else whether anything was done."""
    results = {outcome.result for outcome in outcomes}
    order = (
        Result.ERROR,
        Result.FAILED,
        Result.REFUSED,
        Result.NOT_LEADER,
        Result.PAUSED,
        Result.DRY_RUN,
        Result.APPLIED,
        Result.WAITING,
    )
    return next((result for result in order if result in results), Result.UNCHANGED)

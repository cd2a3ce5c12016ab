"""Oracles of how fast one fleet changes: rate limits and caps, by what may have been done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from autoscaler.model import ActionKind, Fence, FleetTick, Result, Unit
from tests.simulation.oracles.witness import serving
from tests.simulation.scenario import FleetPlan, Rate

Violated = Callable[[str, str], None]
HOUR_SECONDS = 3600.0
GROWING = (ActionKind.ADD, ActionKind.RESUME)
UNANSWERED = (Result.FAILED, Result.ERROR)
DONE = (Result.APPLIED, *UNANSWERED)


@dataclass(frozen=True, slots=True)
class Change:
    """What one tick did to the size. ups: fences of units added or resumed, if they ever are."""

    at: float
    ups: tuple[Fence, ...]
    downs: int


class Pace:
    """Remembers what one daemon did to one fleet within the last hour."""

    def __init__(
        self, plan: FleetPlan, was_applied: Callable[[str, Fence], bool], violated: Violated
    ) -> None:
        self._plan = plan
        self._was_applied = was_applied
        self._violated = violated
        self._changes: deque[Change] = deque()
        self._awaited: dict[str, Fence] = {}
        self._never_shown: set[Fence] = set()

    def set_back(self, seconds: float) -> None:
        """The clock was: nothing got older by it."""
        moved = [replace(change, at=change.at - seconds) for change in self._changes]
        self._changes = deque(moved)

    def judge(
        self, tick: FleetTick, units: tuple[Unit, ...], victims: list[Unit], *, excused: bool
    ) -> None:
        """What is done in this tick, beside what was done lately."""
        plan, now = self._plan, tick.decision.at
        present = sum(1 for unit in units if serving(unit))
        done = {o.action.unit for o in tick.outcomes if o.result in DONE}
        here = {unit.name for unit in units if serving(unit)}
        self._show(here)
        grown = (o.action for o in tick.outcomes if o.action.kind in GROWING)
        fences = tuple(action.fence for action in grown if action.unit not in here)
        downs = sum(1 for unit in victims if unit.name in done)
        forced = present > plan.max_replicas or present < plan.min_replicas
        if not (excused or forced or present == 0):
            self._judge_limits(self._carried_out(fences), downs, now)
            self._judge_caps(downs, present, now)
        if fences or downs:
            self._changes.append(Change(now, fences, downs))
        self._await(tick)
        while self._changes and self._changes[0].at <= now - HOUR_SECONDS:
            self._changes.popleft()

    def _show(self, here: set[str]) -> None:
        """What was asked for without an answer, and is there, counts."""
        for name in self._awaited.keys() & here:
            self._never_shown.discard(self._awaited.pop(name))

    def _await(self, tick: FleetTick) -> None:
        """Without an answer nobody knows of a unit that goes before anyone has looked."""
        for outcome in tick.outcomes:
            if outcome.action.kind in GROWING and outcome.result in UNANSWERED:
                self._awaited[outcome.action.unit] = outcome.action.fence
                self._never_shown.add(outcome.action.fence)

    def _judge_limits(self, ups: int, downs: int, now: float) -> None:
        plan = self._plan
        if ups and self._net(plan.up, now) + ups > plan.up.pods:
            self._violated("up-limit", f"{ups} more beside {list(self._changes)}")
        if downs and downs - self._net(plan.down, now) > plan.down.pods:
            self._violated("down-limit", f"{downs} fewer beside {list(self._changes)}")

    def _judge_caps(self, downs: int, present: int, now: float) -> None:
        plan = self._plan
        if downs > max(1, present * plan.percent_per_cycle // 100):
            self._violated("cycle-cap", f"{downs} of {present} at once")
        taken = sum(c.downs for c in self._changes if now - c.at < HOUR_SECONDS)
        if downs and taken + downs > max(1, plan.max_replicas * plan.percent_per_hour // 100):
            self._violated("hour-cap", f"{downs} after {taken} within the hour")

    def _net(self, rate: Rate, now: float) -> int:
        recent = (c for c in self._changes if c.at > now - rate.period_seconds)
        return sum(self._carried_out(change.ups) - change.downs for change in recent)

    def _carried_out(self, fences: Iterable[Fence]) -> int:
        known = (fence for fence in fences if fence not in self._never_shown)
        return sum(1 for fence in known if self._was_applied(self._plan.name, fence))

"""Vetoes: what must be known, and for how long, before replicas may go; how fast they may."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from autoscaler.engine.behavior import down_window_seconds
from autoscaler.model import FleetSnapshot, Override, Recommendation, Stage, Step

HOUR_SECONDS = 3600.0
COLLAPSE_FROM_TASKS = 10
SETTLING_INTERVALS = 3
GAP_INTERVALS = 6
OVER_BUDGET = "BudgetExceeded"
GAP_SECONDS = 60.0  # what a slow tick may take, whatever the interval


@dataclass(frozen=True, slots=True)
class GuardMemory:
    """What the guards of one fleet remember from tick to tick. Times are Unix seconds.

    known_since: since when everything the fleet needs was known at every tick, with no pause.
    shrinks: when and by how many replicas the fleet shrank within the last hour.
    """

    last_tick_at: float | None = None
    known_since: float | None = None
    demand: float | None = None
    shrinks: tuple[tuple[float, int], ...] = ()

    @classmethod
    def settled(cls, now: float) -> GuardMemory:
        """The memory of a fleet that has been watched without a gap for as long as matters."""
        return cls(last_tick_at=now, known_since=-math.inf)

    def shrunk(self, now: float, replicas: int) -> GuardMemory:
        """With a shrink that was carried out."""
        recent = tuple(shrink for shrink in self.shrinks if now - shrink[0] < HOUR_SECONDS)
        return replace(self, shrinks=(*recent, (now, replicas)))

    def set_back(self, seconds: float) -> GuardMemory:
        """With all times earlier, as the clock was set back since the last tick: that is a gap."""
        last = None if self.last_tick_at is None else self.last_tick_at - seconds
        shrinks = tuple((at - seconds, replicas) for at, replicas in self.shrinks)
        return replace(self, last_tick_at=last, known_since=None, shrinks=shrinks)


def guard(
    snapshot: FleetSnapshot, memory: GuardMemory, proposed: int
) -> tuple[Step | None, GuardMemory]:
    """Hold the present number when the proposal is not founded well enough.

    Nothing is lowered on missing data, nor until one full scale-down window after data was missing,
    ticks were missed, the clock jumped, or demand fell from many tasks to none within one tick.
    The first tick only observes.
    """
    after = _observe(snapshot, memory)
    current = snapshot.current
    if memory.last_tick_at is None and proposed != current:
        return _hold(snapshot, proposed, "FirstCycle", "the first cycle only observes"), after
    if proposed >= current:
        return None, after
    if snapshot.missing or after.known_since is None:
        faults = "; ".join(f"{name}: {why}" for name, why in sorted(snapshot.missing.items()))
        return _hold(snapshot, proposed, "MissingData", f"not lowered while blind: {faults}"), after
    left = _settling_seconds(snapshot, after.known_since)
    if left > 0:
        message = f"readings must be whole for another {math.ceil(left)} s before replicas go"
        until = snapshot.now + left
        return _hold(snapshot, proposed, "DataNotSettled", message, until), after
    return None, after


def veto_growth(
    snapshot: FleetSnapshot,
    recommendations: Iterable[Recommendation],
    proposed: int,
    override: Override | None = None,
) -> Step | None:
    """Refuse replicas that would start no task, but for the least and those planned ahead of need.

    While what workers cannot do without is down, nothing grows at all. An operator is believed.
    """
    blockage, floor = snapshot.blockage, snapshot.current
    if blockage is None or (override is not None and override.replicas is not None):
        return None
    if not blockage.bottleneck.is_outage:
        planned = (r.replicas or 0 for r in recommendations if r.planned)
        floor = max(floor, snapshot.fleet.min_replicas, *planned)
    if proposed <= floor:
        return None
    return Step(Stage.GUARD, proposed, floor, "Bottleneck", blockage.message)


def cap_growth(
    snapshot: FleetSnapshot, proposed: int, override: Override | None = None
) -> Step | None:
    """Refuse replicas that the database or the API server would not bear, but for the least.

    Nobody leaves for it, and an operator is believed.
    """
    room = snapshot.headroom
    if room is None or (override is not None and override.replicas is not None):
        return None
    floor = max(snapshot.current + room.replicas, snapshot.fleet.min_replicas)
    if proposed <= floor:
        return None
    message = f"{room.replicas} more at most: {room.verdict.message}"
    return Step(Stage.GUARD, proposed, floor, OVER_BUDGET, message)


def cap_shrink(snapshot: FleetSnapshot, memory: GuardMemory, proposed: int) -> Step | None:
    """Bound how many replicas one cycle, and one hour, may take; at least one may always go."""
    current, rules = snapshot.current, snapshot.fleet.drain
    if proposed >= current:
        return None
    per_cycle = max(1, current * rules.max_percent_per_cycle // 100)
    per_hour = max(1, snapshot.fleet.max_replicas * rules.max_percent_per_hour // 100)
    taken = sum(n for at, n in memory.shrinks if 0 <= snapshot.now - at < HOUR_SECONDS)
    floor = current - max(0, min(per_cycle, per_hour - taken))
    if proposed >= floor:
        return None
    message = f"at most {per_cycle} may go per cycle and {per_hour} per hour ({taken} went)"
    return Step(Stage.GUARD, proposed, floor, "ShrinkCapped", message)


def _observe(snapshot: FleetSnapshot, memory: GuardMemory) -> GuardMemory:
    now = snapshot.now
    demand = next((sample.value for sample in snapshot.samples.named("demand_tasks")), None)
    known_since = memory.known_since
    if known_since is None or _doubtful(snapshot, memory, demand):
        known_since = now
    if snapshot.missing:
        known_since = None
    known_demand = memory.demand if demand is None else demand
    return replace(memory, last_tick_at=now, known_since=known_since, demand=known_demand)


def _doubtful(snapshot: FleetSnapshot, memory: GuardMemory, demand: float | None) -> bool:
    elapsed = snapshot.now - (snapshot.now if memory.last_tick_at is None else memory.last_tick_at)
    window = down_window_seconds(snapshot.fleet.behavior)
    longest = max(GAP_INTERVALS * snapshot.fleet.interval_seconds, min(window, GAP_SECONDS))
    collapsed = demand == 0 and memory.demand is not None and memory.demand >= COLLAPSE_FROM_TASKS
    return elapsed > longest or collapsed


def _settling_seconds(snapshot: FleetSnapshot, known_since: float) -> float:
    shortest = SETTLING_INTERVALS * snapshot.fleet.interval_seconds
    return known_since + max(shortest, down_window_seconds(snapshot.fleet.behavior)) - snapshot.now


def _hold(
    snapshot: FleetSnapshot,
    proposed: int,
    reason: str,
    message: str,
    until: float | None = None,
) -> Step:
    return Step(Stage.GUARD, proposed, snapshot.current, reason, message, until)

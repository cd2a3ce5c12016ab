"""From what is known to how many replicas there should be, one stage after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from autoscaler.engine.first_worker import first_worker
from autoscaler.engine.guards import cap_growth, cap_shrink, guard, veto_growth
from autoscaler.engine.history import History
from autoscaler.engine.limits import (
    Bounds,
    clamp,
    limit,
    limit_without_behavior,
    starts_from_nothing,
)
from autoscaler.engine.recommend import recommend
from autoscaler.engine.stabilization import Windows, keep_idle, stabilize
from autoscaler.interfaces import Policy
from autoscaler.model import Decision, FleetSnapshot, Override, Stage, Step

OPERATOR_NEED_NOT_WAIT_FOR = "DataNotSettled"


def decide(
    policies: Sequence[Policy[Any]],
    snapshot: FleetSnapshot,
    history: History,
    override: Override | None = None,
) -> tuple[Decision, History]:
    """How many replicas the fleet should have now, why, and what to remember of it.

    recommend -> guard -> stabilize -> limit -> clamp -> first worker -> veto. An operator's number,
    and the way back from outside min..max, are only guarded. Whatever comes of it, what was
    recommended is logged, so that the stabilization windows have no gaps.
    """
    fleet, now, current = snapshot.fleet, snapshot.now, snapshot.current
    recommendations = tuple(policy.recommend(snapshot) for policy in policies)
    asked = recommend(recommendations, fleet, current)
    windows = Windows.of(fleet.behavior)
    history = history.until(now).seeded(current, now)
    stabilized, after = stabilize(history, current, asked.replicas, now, windows)
    kept, after = keep_idle(after, fleet, stabilized, current, now) if asked.known else ((), after)

    forced = tuple(_forced(snapshot, current, override))
    steps = list(forced or asked.steps)
    within = tuple(_clamped(snapshot, steps[-1].after))
    held, memory = guard(snapshot, history.guard, (*steps, *within)[-1].after)
    if held is not None and not _overruled(held, override):
        steps += (*within, held)
    elif not forced:
        if asked.known:
            steps += (stabilized, *kept)
            steps += _limited(snapshot, history, steps[-1].after, asked.ceiling)
        steps += _clamped(snapshot, steps[-1].after)
        steps += _in_time(snapshot, history, steps[-1].after, asked.ceiling)
    if vetoed := veto_growth(snapshot, recommendations, steps[-1].after, override):
        steps.append(vetoed)
    if over_budget := cap_growth(snapshot, steps[-1].after, override):
        steps.append(over_budget)
    desired = steps[-1].after
    decision = Decision(fleet.name, now, current, desired, tuple(steps), recommendations)
    return decision, replace(after, guard=memory)


def _forced(snapshot: FleetSnapshot, current: int, override: Override | None) -> Iterator[Step]:
    """The steps to an operator's number, or from outside min..max to the nearest end.

    At zero, policies are asked for how many to start; the clamp sees to the least.
    """
    fleet = snapshot.fleet
    if override is not None and override.replicas is not None:
        message = f"held at {override.replicas} by {override.actor}: {override.reason}"
        until = override.expires_at
        yield Step(Stage.OVERRIDE, current, override.replicas, "Override", message, until)
        yield from _clamped(snapshot, override.replicas)
    elif current > fleet.max_replicas or 0 < current < fleet.min_replicas:
        yield from _clamped(snapshot, current)


def _overruled(held: Step, override: Override | None) -> bool:
    """Whether the operator, who sees more than we do, goes on where the engine would still wait."""
    by_operator = override is not None and override.replicas is not None
    return by_operator and held.reason == OPERATOR_NEED_NOT_WAIT_FOR


def _limited(
    snapshot: FleetSnapshot, history: History, proposed: int, ceiling: int | None
) -> Iterator[Step]:
    """The steps that bound how far this one decision goes."""
    current = snapshot.current
    step = _rate_limited(snapshot, history, proposed)
    yield step
    if step.after == current == 0 < proposed and _first_is_free(snapshot, history):
        message = "a percentage of no replicas is none, so the first one is not limited"
        step = Step(Stage.LIMIT, 0, 1, "FirstReplica", message)
        yield step
    if ceiling is not None and step.after > max(ceiling, current):
        message = f"at most {ceiling} are allowed now"
        step = Step(Stage.LIMIT, step.after, max(ceiling, current), "Ceiling", message)
        yield step
    capped = cap_shrink(snapshot, history.guard, step.after)
    if capped is not None:
        yield capped


def _rate_limited(snapshot: FleetSnapshot, history: History, proposed: int) -> Step:
    fleet, current = snapshot.fleet, snapshot.current
    bounds = Bounds(fleet.min_replicas, fleet.max_replicas)
    if fleet.behavior is None:
        return limit_without_behavior(current, proposed, bounds)
    return limit(history, current, proposed, bounds, fleet.behavior, snapshot.now)


def _first_is_free(snapshot: FleetSnapshot, history: History) -> bool:
    behavior = snapshot.fleet.behavior
    return behavior is not None and starts_from_nothing(history, behavior.scale_up, snapshot.now)


def _in_time(
    snapshot: FleetSnapshot, history: History, proposed: int, ceiling: int | None
) -> Iterator[Step]:
    """The step to a first replica that cannot wait; the first cycle only observes."""
    step = first_worker(snapshot, proposed, ceiling)
    if step is not None and history.guard.last_tick_at is not None:
        yield step


def _clamped(snapshot: FleetSnapshot, proposed: int) -> Iterator[Step]:
    fleet = snapshot.fleet
    if not fleet.min_replicas <= proposed <= fleet.max_replicas:
        yield clamp(proposed, Bounds(fleet.min_replicas, fleet.max_replicas))

"""Short ways to write the ticks that observers get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoscaler.model import (
    Action,
    ActionKind,
    BrokerState,
    Decision,
    Fence,
    FleetSnapshot,
    FleetTick,
    Outcome,
    QueueState,
    Recommendation,
    Result,
    Snapshot,
    Stage,
    Step,
    Tick,
)
from tests.records import NOW, replica, seen

SAMPLES = {"waiting_tasks": 30.0, "running_tasks": 8.0, "demand_tasks": 38.0}


def asks(replicas: int | None, policy: str = "target_tracking", **more: Any) -> Recommendation:
    """A policy's recommendation."""
    return Recommendation(policy, replicas, "Demand", "38 tasks at 16 per replica", **more)


def step(stage: Stage, before: int, after: int, message: str, until: float | None = None) -> Step:
    """A step whose reason is the first word of its message, with a capital."""
    return Step(stage, before, after, message.split(maxsplit=1)[0].capitalize(), message, until)


def outcome(
    kind: ActionKind = ActionKind.ADD,
    unit: str = "default-3",
    result: Result = Result.APPLIED,
    message: str = "",
    fleet: str = "default",
) -> Outcome:
    """What came of one action."""
    action = Action(kind, fleet, unit, Fence(1, 7), NOW, "more is wanted", f"{unit}@host")
    return Outcome(action, result, message)


def turn(
    desired: int = 3,
    *steps: Step,
    snapshot: FleetSnapshot | None = None,
    recommendations: tuple[Recommendation, ...] | None = None,
    **more: Any,
) -> FleetTick:
    """A fleet's turn; unless told otherwise it has 3 replicas, and one policy asks for 3."""
    if snapshot is None:
        snapshot = seen(*(replica(f"default-{n}", busy=2) for n in range(3)), samples=SAMPLES)
    recommendations = (asks(desired),) if recommendations is None else recommendations
    recommended = step(Stage.RECOMMEND, snapshot.current, desired, "asked for by the policies")
    decision = Decision(
        snapshot.fleet.name,
        snapshot.now,
        snapshot.current,
        desired,
        (*steps,) or (recommended,),
        recommendations,
    )
    return FleetTick(snapshot, decision, **{"result": Result.UNCHANGED, **more})


def tick(
    *turns: FleetTick,
    now: float = NOW,
    number: int = 1,
    missing: Mapping[str, str] | None = None,
    **more: Any,
) -> Tick:
    """A tick that read `broker`, which has queue `default` with 30 tasks waiting."""
    queue = QueueState("default", waiting=30, oldest_age_seconds=12.5)
    snapshot = Snapshot(
        now,
        observations={"broker": BrokerState(now, {"default": queue})},
        missing=missing or {},
        queues={"default": queue},
    )
    fleets = {each.decision.fleet: each for each in (turns or (turn(),))}
    return Tick(number, snapshot, fleets, **{"duration_seconds": 0.02, **more})

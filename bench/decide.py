"""How long it takes to decide on 1,000 fleets of 5 replicas, with full windows behind them."""

from __future__ import annotations

import sys
import time
from statistics import median

from autoscaler.engine.decide import decide
from autoscaler.engine.demand import fleet_snapshot
from autoscaler.engine.history import History
from autoscaler.engine.scale_in import plan
from autoscaler.interfaces import Context
from autoscaler.model import (
    ActiveTask,
    Behavior,
    Fence,
    Fleet,
    Limit,
    LimitType,
    QueueState,
    Samples,
    ScalingRules,
    Snapshot,
    Unit,
    UnitPhase,
    WorkerState,
)
from autoscaler.policies.target_tracking import TargetTracking
from bench.figures import Figure, tell

FLEETS, REPLICAS, SLOTS = 1000, 5, 4
INTERVAL_SECONDS, WINDOW_SECONDS = 5.0, 300
TICKS = 80
PODS = (Limit(LimitType.PODS, 4, 60),)


def main() -> int:
    """Decide tick after tick until windows are full, then measure the last 15."""
    fleets = [_fleet(f"fleet-{number}") for number in range(FLEETS)]
    policies = [
        [TargetTracking(TargetTracking.options_type(), Context("policy", fleet, tuple(fleets)))]
        for fleet in fleets
    ]
    histories = [History() for _ in fleets]
    seconds: dict[str, list[float]] = {"view": [], "decide": [], "plan": []}
    for tick in range(TICKS):
        snapshot = _snapshot(fleets, 1e9 + tick * INTERVAL_SECONDS, busy=tick % (SLOTS + 1))
        started = time.process_time()
        views = [fleet_snapshot(fleet, snapshot) for fleet in fleets]
        viewed = time.process_time()
        made = [decide(*parts) for parts in zip(policies, views, histories, strict=True)]
        decided = time.process_time()
        for (decision, _), view in zip(made, views, strict=True):
            plan(view, decision.desired, Fence(1, 1))
        seconds["view"].append(viewed - started)
        seconds["decide"].append(decided - viewed)
        seconds["plan"].append(time.process_time() - decided)
        histories = [history for _, history in made]
    of = {name: 1000 * median(values[-15:]) for name, values in seconds.items()}
    return tell(
        f"{FLEETS:,} fleets of {REPLICAS} replicas, one policy each (CPU time, median of 15 ticks)",
        [
            Figure("joining units, workers and queues", of["view"], "ms"),
            Figure("deciding", of["decide"], "ms", 100.0),
            Figure("planning the actions", of["plan"], "ms"),
        ],
    )


def _fleet(name: str) -> Fleet:
    return Fleet(
        name=name,
        queues=(name,),
        slots_per_replica=SLOTS,
        max_replicas=20,
        behavior=Behavior(
            scale_up=ScalingRules(stabilization_window_seconds=60, limits=PODS),
            scale_down=ScalingRules(stabilization_window_seconds=WINDOW_SECONDS, limits=PODS),
        ),
    )


def _snapshot(fleets: list[Fleet], now: float, busy: int) -> Snapshot:
    units: dict[str, tuple[Unit, ...]] = {}
    workers: dict[str, WorkerState] = {}
    for fleet in fleets:
        names = [f"{fleet.name}-{number}" for number in range(REPLICAS)]
        units[fleet.name] = tuple(
            Unit(name, UnitPhase.RUNNING, created_at=0.0, worker=f"{name}@host") for name in names
        )
        workers |= {f"{name}@host": _worker(f"{name}@host", fleet, now, busy) for name in names}
    return Snapshot(
        now=now,
        units=units,
        queues={fleet.name: QueueState(fleet.name, waiting=3 * busy) for fleet in fleets},
        workers=workers,
        samples=Samples(),
        worker_sources=frozenset({"workers"}),
    )


def _worker(name: str, fleet: Fleet, now: float, busy: int) -> WorkerState:
    return WorkerState(
        name=name,
        heartbeat_at=now,
        answered_at=now,
        queues=frozenset(fleet.queues),
        slots=SLOTS,
        active=tuple(ActiveTask(f"{name}/{number}", "task") for number in range(busy)),
        reserved=0,
    )


if __name__ == "__main__":
    sys.exit(main())

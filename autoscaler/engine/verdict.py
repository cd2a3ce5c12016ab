"""The bottleneck of this moment, as far as one tick of a fleet can tell it."""

from __future__ import annotations

from enum import StrEnum

from autoscaler.model import FleetTick


class Verdict(StrEnum):
    """What holds the work up: nothing, workers that are on their way, or the fleet's maximum."""

    NONE = "none"
    WORKERS = "workers"
    CAPACITY = "capacity"


def verdict(tick: FleetTick) -> Verdict | None:
    """What holds this fleet's work up; None while that cannot be known."""
    if tick.snapshot.missing or tick.error:
        return None
    most = tick.snapshot.fleet.max_replicas
    if any((rec.replicas or 0) > most for rec in tick.decision.recommendations):
        return Verdict.CAPACITY
    if tick.decision.desired > tick.snapshot.ready:
        return Verdict.WORKERS
    return Verdict.NONE

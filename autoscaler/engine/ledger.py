"""Which running tasks died with their unit between two ticks, and whose doing it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from autoscaler.model import FleetSnapshot, UnitPhase

SCALE_IN = "scale_in"
UNKNOWN = "unknown"
CAUSES = (SCALE_IN, UNKNOWN)


def killed_tasks(before: FleetSnapshot | None, after: FleetSnapshot) -> Mapping[str, int]:
    """Tasks last seen running on units that are gone or failed now, by cause.

    A unit that we told to leave and that still ran tasks when last seen is our doing
    (`scale_in`); of one that went by itself the cause is `unknown` here.
    """
    if before is None or f"target/{after.fleet.name}" in {**before.missing, **after.missing}:
        return {}
    alive = {r.name: r.unit.created_at for r in after.replicas if _lives(r.unit.phase)}
    killed: Counter[str] = Counter()
    for replica in before.replicas:
        stays = alive.get(replica.name) == replica.unit.created_at
        if stays or replica.worker is None or not _lives(replica.unit.phase):
            continue
        cause = SCALE_IN if replica.terminating else UNKNOWN
        killed[cause] += replica.worker.busy or 0
    return {cause: number for cause, number in killed.items() if number}


def _lives(phase: UnitPhase) -> bool:
    return phase is not UnitPhase.FAILED

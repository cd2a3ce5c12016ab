"""What the workload itself says in the engine's place: paused, a number, or another's."""

from __future__ import annotations

from collections.abc import Mapping

from autoscaler.clients.kubernetes.claim import Hold
from autoscaler.clients.kubernetes.marks import PAUSED, PAUSED_REPLICAS
from autoscaler.model import Override


def order_of(
    fleet: str, hold: Hold | None, annotations: Mapping[str, str], since: float
) -> Override | None:
    """The override that follows. since: when the annotations were first seen (Unix seconds).

    A number that cannot be read is a pause: somebody wanted to hold the fleet.
    """
    if hold is not None:
        until = hold.until
        return Override(fleet, hold.reason, hold.actor, hold.since, until, contested=True)
    if (text := annotations.get(PAUSED_REPLICAS)) is not None:
        actor = f"annotation {PAUSED_REPLICAS}"
        if text.strip().isdecimal():
            return Override(fleet, "held by its workload", actor, since, replicas=int(text))
        return Override(fleet, f"{text[:80]!r} is no number of replicas", actor, since)
    if annotations.get(PAUSED, "false").strip().lower() not in ("false", ""):
        return Override(fleet, "paused by its workload", f"annotation {PAUSED}", since)
    return None

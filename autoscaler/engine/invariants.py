"""What must hold of every decision and plan; a broken one freezes the fleet's writes.

The ids are those of docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.engine.scale_in import on_their_way_out, removable
from autoscaler.model import Action, ActionKind, Decision, FleetSnapshot, UnitPhase


def violations(
    snapshot: FleetSnapshot, decision: Decision, actions: Sequence[Action]
) -> Iterator[str]:
    """Every invariant that this decision or plan would break, in words."""
    fleet = snapshot.fleet
    desired = decision.desired
    inside = fleet.min_replicas <= desired <= fleet.max_replicas
    if not inside and desired != snapshot.current:
        yield f"V1 desired {desired} is outside {fleet.min_replicas}..{fleet.max_replicas}"
    leaving = [a for a in actions if a.kind in (ActionKind.DRAIN, ActionKind.REMOVE)]
    if snapshot.missing and leaving:
        yield f"V2 {leaving[0].unit} would leave while {sorted(snapshot.missing)} are unknown"
    yield from _too_many(snapshot, actions)
    yield from _unsafe_removals(snapshot, actions)


def _too_many(snapshot: FleetSnapshot, actions: Sequence[Action]) -> Iterator[str]:
    added = sum(1 for action in actions if action.kind is ActionKind.ADD)
    alive = (UnitPhase.PENDING, UnitPhase.RUNNING)
    present = sum(1 for replica in snapshot.replicas if replica.unit.phase in alive)
    if added and present + added > snapshot.fleet.max_replicas:
        yield f"V3 {present} units and {added} new ones exceed {snapshot.fleet.max_replicas}"
    drained = {replica.name for replica in snapshot.replicas if replica.draining}
    chosen = {action.unit for action in actions if action.kind is ActionKind.DRAIN} - drained
    leaving, most = on_their_way_out(snapshot), snapshot.fleet.drain.max_draining
    if chosen and len(chosen | leaving) > max(most, len(leaving)):
        yield f"V4 {len(chosen | leaving)} drains exceed {most}"
    resumed = {action.unit for action in actions if action.kind is ActionKind.RESUME} & drained
    if chosen and (added or resumed):
        yield "V5 the plan both grows and shrinks the fleet"


def _unsafe_removals(snapshot: FleetSnapshot, actions: Sequence[Action]) -> Iterator[str]:
    replicas = {replica.name: replica for replica in snapshot.replicas}
    for action in actions:
        if action.kind is not ActionKind.REMOVE:
            continue
        replica = replicas.get(action.unit)
        if replica is None or not removable(replica, snapshot):
            yield f"V6 {action.unit} would be removed without being known to be empty"

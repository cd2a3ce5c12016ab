"""Checks of fleets: bounds suffice, drains end, turns succeed, and nobody else scales them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from autoscaler.engine.wording import count, span
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import (
    Finding,
    FleetTick,
    Recommendation,
    Replica,
    Severity,
    Tick,
    Unchecked,
)

MOST_NAMED = 10


class DesiredAboveMaxOptions(CheckOptions):
    """Options of desired_above_max."""

    for_seconds: float = Field(
        default=900, ge=0, description="How long a finding lasts before it fires"
    )


class DesiredAboveMax(Check[DesiredAboveMaxOptions]):
    """A policy asks for more replicas than the fleet may have, and goes on asking."""

    options_type = DesiredAboveMaxOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for name, fleet in tick.fleets.items():
            asked = fleet.decision.recommendations
            known = [(one.replicas, one) for one in asked if one.replicas is not None]
            replicas, highest = max(known, key=lambda pair: pair[0], default=(0, None))
            if highest is not None and replicas > fleet.snapshot.fleet.max_replicas:
                yield self._finding(fleet, replicas, highest)
            elif not asked or len(known) < len(asked):
                reason = "a policy cannot tell how many replicas are needed"
                yield Unchecked(self.context.name, reason, {"fleet": name})

    def _finding(self, tick: FleetTick, replicas: int, asked: Recommendation) -> Finding:
        fleet = tick.snapshot.fleet
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=(
                f"Fleet {fleet.name} needs {count(replicas, 'replica')} and may have "
                f"{fleet.max_replicas}."
            ),
            labels={"fleet": fleet.name},
            evidence={
                "policy": asked.policy,
                "reason": asked.message,
                "max_replicas": str(fleet.max_replicas),
                "current_replicas": str(tick.snapshot.current),
            },
            remedy="Raise max_replicas if there is room and money for it, or send less work.",
        )


class DrainStuckOptions(CheckOptions):
    """Options of drain_stuck."""


class DrainStuck(Check[DrainStuckOptions]):
    """A unit has been leaving for longer than `drain.warn_after_seconds` of its fleet."""

    options_type = DrainStuckOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for name, fleet in tick.fleets.items():
            if why := fleet.snapshot.missing.get(f"target/{name}"):
                yield Unchecked(self.context.name, why, {"fleet": name})
                continue
            now, patience = fleet.snapshot.now, fleet.snapshot.fleet.drain.warn_after_seconds
            leaving = [(_leaving_seconds(r, now), r) for r in fleet.snapshot.replicas]
            stuck = sorted((age, r.name, r) for age, r in leaving if age > patience)
            if stuck:
                yield self._finding(name, patience, [(age, r) for age, _, r in reversed(stuck)])

    def _finding(self, fleet: str, patience: float, stuck: list[tuple[float, Replica]]) -> Finding:
        units = count(len(stuck), "unit")
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=(
                f"{units} of fleet {fleet} still draining after {span(patience)}, "
                f"the longest for {span(stuck[0][0])}."
            ),
            labels={"fleet": fleet},
            evidence={r.name: f"{span(age)}, {_holds(r)}" for age, r in stuck[:MOST_NAMED]},
            remedy=(
                "See what its tasks do: it leaves when they end, and is never killed. A worker "
                "that is silent has to be looked at by a person; demand takes a drain back."
            ),
        )


class FleetFailingOptions(CheckOptions):
    """Options of fleet_failing."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")


class FleetFailing(Check[FleetFailingOptions]):
    """A fleet's turn ends in a bug, so nothing is scaled."""

    options_type = FleetFailingOptions

    def find(self, tick: Tick) -> Iterator[Finding]:
        for name, fleet in tick.fleets.items():
            if fleet.error:
                yield Finding(
                    check=self.context.name,
                    severity=self.options.severity,
                    summary=f"Fleet {name} is not scaled: {fleet.error}.",
                    labels={"fleet": name},
                    evidence={
                        "error": fleet.error,
                        "desired_replicas": str(fleet.decision.desired),
                    },
                    remedy="Report it with the daemon's log; the fleet stays as it is meanwhile.",
                )


class ReplicasContestedOptions(CheckOptions):
    """Options of replicas_contested."""

    for_seconds: float = Field(default=0, ge=0, description="How long a finding lasts")


class ReplicasContested(Check[ReplicasContestedOptions]):
    """Another program, or a person, writes a fleet's number of replicas: it is left alone."""

    options_type = ReplicasContestedOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for name, fleet in tick.fleets.items():
            if why := fleet.snapshot.missing.get(f"target/{name}"):
                yield Unchecked(self.context.name, why, {"fleet": name})
            elif fleet.override is not None and fleet.override.contested:
                yield Finding(
                    check=self.context.name,
                    severity=self.options.severity,
                    summary=f"Fleet {name} is not scaled: {fleet.override.actor} writes its size.",
                    labels={"fleet": name},
                    evidence={
                        "writer": fleet.override.actor,
                        "reason": fleet.override.reason,
                        "current_replicas": str(fleet.snapshot.current),
                        "wanted_replicas": str(fleet.decision.desired),
                    },
                    remedy="Let only one of the two write replicas; the reason says how.",
                )


def _leaving_seconds(replica: Replica, now: float) -> float:
    return now - replica.unit.drain.since if replica.unit.drain else 0.0


def _holds(replica: Replica) -> str:
    worker = replica.worker
    if worker is None or replica.silent or worker.busy is None:
        return "what it runs is not known"
    return f"runs {count(worker.busy, 'task')}"

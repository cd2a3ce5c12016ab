"""Keeps a sample at its target per replica, as a HorizontalPodAutoscaler does."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from autoscaler.engine.behavior import tolerances
from autoscaler.engine.per_unit_target import (
    AverageValueTarget,
    CannotTellError,
    PerUnitTarget,
    UtilizationTarget,
)
from autoscaler.engine.pod_resources import PHASES, RESOURCES, is_of_pods, pods_readings
from autoscaler.engine.replica_calculator import (
    UnitReadings,
    replicas_for_average,
    replicas_for_units,
    replicas_for_value,
    thousandths,
)
from autoscaler.engine.samples import Aggregate, selector, value_of, why_missing
from autoscaler.engine.unit_groups import Readiness, Reading, UnitState, Warmup
from autoscaler.interfaces import Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation, Replica

SLOTS = "slots_per_replica"


class TargetTrackingOptions(Options):
    """What is kept at which target. Without a target: as many per replica as it has slots."""

    sample: str = Field(default="demand_tasks", min_length=1, description="sample to follow")
    labels: dict[str, str] = Field(default_factory=dict, description="labels it must have")
    aggregate: Aggregate = Field(
        default=Aggregate.SUM, description="how several samples become one number"
    )
    average_value: float | None = Field(
        default=None, ge=0.001, description="how much of the sample one replica should take"
    )
    value: float | None = Field(
        default=None, ge=0.001, description="what the sample should be, more replicas lowering it"
    )
    utilization: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="percent of their slots that replicas should use, of which there are 100; with "
        "sample cpu or memory, of what their pods request",
    )
    activation_value: float = Field(
        default=0, description="the sample must exceed it for the fleet to leave or stay above zero"
    )

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        targets = ("average_value", "value", "utilization")
        given = [name for name in targets if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {' and '.join(given)}, not {len(given)}")
        if self.utilization is not None and self.sample not in RESOURCES:
            self._check_slots(self.utilization)
        return self

    def _check_slots(self, utilization: int) -> None:
        unused = sorted(self.model_fields_set & {"sample", "labels", "aggregate"})
        if unused:
            of = "utilization is of busy slots, or of the samples cpu and memory"
            raise ValueError(f"{of}: leave out {' and '.join(unused)}")
        if utilization > 100:
            raise ValueError("utilization of slots is at most 100 percent")


class TargetTracking(Policy[TargetTrackingOptions]):
    """The HPA's algorithm for resource, object and external metrics, and utilization of slots."""

    options_type = TargetTrackingOptions

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        """Reasons are the HPA's: ValidMetricFound, FailedGetExternalMetric and so on."""
        percent = self.options.utilization
        of_pods = self._is_of_pods(snapshot)
        try:
            if of_pods:
                return self._of_pods(snapshot)
            if percent is None:
                return self._of_sample(snapshot)
            return self._of_utilization(snapshot, percent)
        except CannotTellError as error:
            metric = "Resource" if of_pods or percent is not None else "External"
            reason = f"FailedGet{metric}Metric"
            return Recommendation(self.context.name, None, reason, str(error), active=False)

    def _is_of_pods(self, snapshot: FleetSnapshot) -> bool:
        """Whether each pod's own usage counts, and not only what all use together."""
        options = self.options
        if options.utilization is not None:
            return options.sample in RESOURCES
        return options.average_value is not None and is_of_pods(snapshot, options.sample)

    def _of_pods(self, snapshot: FleetSnapshot) -> Recommendation:
        """The HPA's metrics Resource and ContainerResource."""
        options = self.options
        name = selector(options.sample, options.labels)
        if snapshot.current == 0:
            raise CannotTellError(f"with no replica there is no {name} to be read")
        if not snapshot.samples.named(options.sample, options.labels):
            raise CannotTellError(why_missing(snapshot.samples, options.sample, options.labels))
        percent, labels = options.utilization, options.labels
        given = pods_readings(snapshot, options.sample, labels, of_requests=percent is not None)
        target: PerUnitTarget = AverageValueTarget(thousandths(options.average_value or 0))
        if percent is not None:
            serving = (unit for unit in given.units if not unit.leaving)
            target = UtilizationTarget.of_units(percent, serving)
        found = replicas_for_units(given, target, tolerances(snapshot.fleet.behavior))
        used, aim = f"{_plain(found.usage / 1000)} per pod", _plain(options.average_value or 0)
        if percent is not None:
            used, aim = f"{found.utilization} % of what is requested", f"{percent} %"
        message = f"{name} {used}, target {aim} -> {found.replicas}"
        active = found.usage > thousandths(options.activation_value)
        return self._answer(found.replicas, message, active=active)

    def _of_sample(self, snapshot: FleetSnapshot) -> Recommendation:
        options = self.options
        usage = self._usage(snapshot)
        active = usage > options.activation_value
        told = f"{selector(options.sample, options.labels)} {_plain(usage)}"
        if options.value is not None:
            replicas = _for_value(snapshot, usage, options.value)
            message = f"{told}, target {_plain(options.value)} -> {replicas}"
            return self._answer(replicas, message, active=active)
        each = options.average_value or value_of(snapshot.samples, SLOTS)
        if not each:
            if snapshot.current > 0:
                raise CannotTellError(f"there is no sample {SLOTS}: no worker has told its slots")
            return self._first(told, active=active)
        calculated = replicas_for_average(
            snapshot.current,
            thousandths(usage),
            thousandths(each),
            tolerances(snapshot.fleet.behavior),
        )
        message = f"{told}, {_plain(each)} per replica -> {calculated.replicas}"
        return self._answer(calculated.replicas, message, active=active)

    def _usage(self, snapshot: FleetSnapshot) -> float:
        options = self.options
        usage = value_of(snapshot.samples, options.sample, options.labels, options.aggregate)
        if usage is None:
            raise CannotTellError(why_missing(snapshot.samples, options.sample, options.labels))
        if usage < 0:
            name = selector(options.sample, options.labels)
            raise CannotTellError(f"{name} is {_plain(usage)}, which is no load")
        return usage

    def _first(self, told: str, *, active: bool) -> Recommendation:
        """From nothing one replica is enough to learn from."""
        message = f"{told}, and with no replica nobody knows what one can take"
        return self._answer(int(active), message, active=active)

    def _of_utilization(self, snapshot: FleetSnapshot, percent: int) -> Recommendation:
        """At zero nothing is utilized, so it is demand that makes the fleet leave or keep it."""
        if snapshot.current == 0:
            waiting = self._usage(snapshot)
            told = f"{self.options.sample} {_plain(waiting)}"
            return self._first(told, active=waiting > self.options.activation_value)
        usual = value_of(snapshot.samples, SLOTS)
        slots = _per_unit(snapshot, "slots")
        units = [_unit_state(r, slots.get(r.name, usual)) for r in snapshot.replicas]
        busy = {
            unit: Reading(thousandths(value), snapshot.now)
            for unit, value in _per_unit(snapshot, "busy_slots").items()
        }
        calculated = replicas_for_units(
            UnitReadings(snapshot.current, units, busy, snapshot.now, Warmup()),
            UtilizationTarget.of_units(percent, (unit for unit in units if not unit.leaving)),
            tolerances(snapshot.fleet.behavior),
        )
        used = calculated.utilization or 0
        message = f"{used} % of slots are busy, target {percent} % -> {calculated.replicas}"
        demand = value_of(snapshot.samples, self.options.sample)
        active = demand is None or demand > self.options.activation_value
        return self._answer(calculated.replicas, message, active=active)

    def _answer(self, replicas: int, message: str, *, active: bool) -> Recommendation:
        name = self.context.name
        return Recommendation(name, replicas, "ValidMetricFound", message, active=active)


def _for_value(snapshot: FleetSnapshot, usage: float, target: float) -> int:
    """With no replica ready there is nobody whom more replicas could relieve."""
    current = snapshot.current
    if current > 0 and snapshot.ready == 0:
        raise CannotTellError(f"none of {current} replicas is ready yet")
    units = [_unit_state(replica, None) for replica in snapshot.replicas if replica.serving]
    allowed = tolerances(snapshot.fleet.behavior)
    usage_milli, target_milli = thousandths(usage), thousandths(target)
    return replicas_for_value(current, usage_milli, target_milli, units, allowed).replicas


def _per_unit(snapshot: FleetSnapshot, name: str) -> dict[str, float]:
    samples = snapshot.samples.named(name)
    return {s.labels["unit"]: s.value for s in samples if "unit" in s.labels}


def _unit_state(replica: Replica, slots: float | None) -> UnitState:
    """The unit as the HPA sees a pod. One that is not ready is taken never to have been."""
    unit = replica.unit
    return UnitState(
        name=unit.name,
        phase=PHASES[unit.phase],
        leaving=not replica.serving,
        started_at=unit.created_at,
        readiness=Readiness(replica.ready, unit.created_at),
        request=None if slots is None else thousandths(slots),
    )


def _plain(value: float) -> str:
    return f"{value:.10g}"

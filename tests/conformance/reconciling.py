"""The kind `reconcile`: a whole turn of the HPA's controller, by `decide` on a fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from autoscaler.engine.behavior import tolerances
from autoscaler.engine.decide import decide
from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.history import History
from autoscaler.engine.per_unit_target import CannotTellError
from autoscaler.interfaces import Context, Options, Policy
from autoscaler.model import (
    Behavior,
    Decision,
    DrainRules,
    Fleet,
    FleetSnapshot,
    Override,
    Recommendation,
    Replica,
    Stage,
    Step,
    Unit,
    UnitPhase,
)
from tests.conformance.calculating import calculate
from tests.conformance.normalizing import condition_of
from tests.conformance.translate import NOW, Answer, Case, behavior_of, bounds_of, log_of

OF_NO_POD = ("Object", "External")
VALID = "ValidMetricFound"
METRIC_TYPES = ("Resource", "ContainerResource", "Pods", *OF_NO_POD)
# What is ours and not the HPA's must not bind: how fast a fleet may shrink beside its behavior.
UNCAPPED = DrainRules(max_percent_per_cycle=100, max_percent_per_hour=1_000_000)


class MetricPolicy(Policy[Options]):
    """One metric of a spec as a policy. Keeps the utilization for the answer."""

    def __init__(self, case: Case, metric: Case) -> None:
        super().__init__(Options(), Context(metric["type"]))
        self._case = case
        self._metric = metric
        self.utilization: int | None = None

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        name, scale = self._metric["type"], self._case["scale"]
        allowed = tolerances(snapshot.fleet.behavior)
        if name not in METRIC_TYPES:
            message = self._metric["reading"]["error"]
            return Recommendation(name, None, "InvalidMetricSourceType", message)
        try:
            found = calculate(
                self._case, self._metric, snapshot.current, scale["statusReplicas"], allowed
            )
        except CannotTellError as error:
            return Recommendation(name, None, f"FailedGet{name}Metric", str(error))
        self.utilization = found.utilization
        active = found.replicas > 0
        return Recommendation(name, found.replicas, VALID, "", active=active)


def reconcile(case: Case) -> Answer:
    """What the HPA would do and write. Selectors and scale objects are Kubernetes' own affair."""
    _refuse_what_only_kubernetes_knows(case)
    policies = [MetricPolicy(case, metric) for metric in case["spec"]["metrics"]]
    log = case["recommendations"]
    history = History(
        recommendations=None if log is None else log_of(log), guard=GuardMemory.settled(NOW)
    )
    paused = _pause_of(case)
    decision, _ = decide(policies, _snapshot_of(case), history, paused)
    return _told(case, decision, policies, paused=paused is not None)


def _refuse_what_only_kubernetes_knows(case: Case) -> None:
    """Raises CannotTellError for what ends before a number is asked for."""
    scale = case["scale"]
    if scale["error"]:
        raise CannotTellError(f"the scale object cannot be read: {scale['error']}")
    labels = scale["selector"].split(",")
    if not all(label.count("=") == 1 for label in labels):
        raise CannotTellError(f"no selector: {scale['selector']!r}")
    pods = [pod["labels"] or {} for pod in case["pods"]]
    for other in case.get("otherHPAs", ()):
        key, _, value = other["selector"].partition("=")
        if any(pod.get(key) == value for pod in pods):
            raise CannotTellError(f"{other['name']} selects the same pods")


def _pause_of(case: Case) -> Override | None:
    """Zero replicas that the HPA did not choose itself are how Kubernetes is told to pause it."""
    itself = (
        case["featureGates"]["HPAScaleToZero"]
        and (case["spec"]["minReplicas"] != 0 or _can_be_zero(case))
        and any(
            condition["type"] == "ScaledToZero" and condition["status"] == "True"
            for condition in case["status"]["conditions"]
        )
    )
    if case["scale"]["specReplicas"] > 0 or itself:
        return None
    return Override("", "scaled to zero by hand", "", NOW)


def _snapshot_of(case: Case) -> FleetSnapshot:
    bounds, gates = bounds_of(case["spec"]), case["featureGates"]
    behavior = behavior_of(case["spec"]["effectiveBehavior"])
    if behavior is not None and not gates["HPAConfigurableTolerance"]:
        up, down = replace(behavior.scale_up, tolerance=None), behavior.scale_down
        behavior = Behavior(up, replace(down, tolerance=None))
    fleet = Fleet(
        name="",
        min_replicas=bounds.least,
        max_replicas=bounds.most,
        behavior=behavior,
        drain=UNCAPPED,
    )
    units = (
        Unit(str(number), UnitPhase.RUNNING, NOW) for number in range(case["scale"]["specReplicas"])
    )
    return FleetSnapshot(NOW, fleet, tuple(Replica(unit, None, ready=True) for unit in units))


def _told(
    case: Case, decision: Decision, policies: Sequence[MetricPolicy], *, paused: bool
) -> Answer:
    """What is carried out of the decision, in the HPA's status, events and metrics."""
    current = decision.current
    asked = not paused and any(step.stage is Stage.RECOMMEND for step in decision.steps)
    recommendations = decision.recommendations if asked else ()
    wanted = not paused and decision.desired != current
    rescaled = wanted and not case.get("scaleUpdateFails", False)
    failed = wanted != rescaled or any(r.replicas is None for r in recommendations)
    unknown = asked and not _is_active(decision.steps)
    status = case["status"]
    replicas = decision.desired if rescaled else current
    told = status["desiredReplicas"] if not rescaled and (wanted or unknown) else replicas
    conditions = _conditions(case, decision, paused=paused, rescaled=rescaled)
    before = (status["conditions"], status["currentReplicas"], status["desiredReplicas"])
    return {
        "replicas": told,
        "rescaled": rescaled,
        "conditions": conditions,
        "action": _action(current, replicas),
        "error": "internal" if failed else "none",
        "metricActions": {
            r.policy: _action(status["currentReplicas"], r.replicas) for r in recommendations
        },
        "metricErrors": {r.policy: _error(r) for r in recommendations},
        "currentUtilization": next(
            (p.utilization for p in policies if asked and p.utilization is not None), None
        ),
        "statusWritten": before != (conditions, current, told),
    }


def _conditions(case: Case, decision: Decision, *, paused: bool, rescaled: bool) -> list[Answer]:
    """The conditions that were there, with those that the turn sets put over them, in its order."""
    to_zero = case["featureGates"]["HPAScaleToZero"]
    told = {condition["type"]: condition for condition in case["status"]["conditions"]}
    if not to_zero and (paused or rescaled):
        told.pop("ScaledToZero", None)

    def tell(kind: str, status: bool, reason: str) -> None:
        told[kind] = {"type": kind, "status": str(status), "reason": reason}

    tell("AbleToScale", True, "SucceededGetScale")
    if paused:
        tell("ScalingActive", False, "ScalingDisabled")
        return list(told.values())
    for step in decision.steps:
        if step.stage is Stage.RECOMMEND:
            tell("ScalingActive", step.reason == VALID, step.reason)
    for condition in _normalized(decision.steps):
        told[condition["type"]] = condition
    if rescaled:
        tell("AbleToScale", True, "SucceededRescale")
    elif decision.desired != decision.current:
        tell("AbleToScale", False, "FailedUpdateScale")
    if rescaled and to_zero:
        zero = decision.desired == 0 and _can_be_zero(case)
        tell("ScaledToZero", zero, "ScaledToZero" if zero else "NotScaledToZero")
    return list(told.values())


def _can_be_zero(case: Case) -> bool:
    """Whether a metric is there that tells something while there are no pods."""
    return any(metric["type"] in OF_NO_POD for metric in case["spec"]["metrics"])


def _is_active(steps: Sequence[Step]) -> bool:
    return all(step.reason == VALID for step in steps if step.stage is Stage.RECOMMEND)


def _normalized(steps: Sequence[Step]) -> Iterator[Answer]:
    """The conditions of the stabilizing step and of the limiting one after it."""
    for stabilized, limited in pairwise(steps):
        if stabilized.stage is Stage.STABILIZE:
            yield condition_of(stabilized)
            yield condition_of(limited)


def _action(current: int, replicas: int | None) -> str:
    if replicas is None or replicas == current:
        return "none"
    return "scale_up" if replicas > current else "scale_down"


def _error(recommendation: Recommendation) -> str:
    if recommendation.replicas is not None:
        return "none"
    return "spec" if recommendation.reason == "InvalidMetricSourceType" else "internal"


KINDS: dict[str, Callable[[Case], Answer]] = {"reconcile": reconcile}

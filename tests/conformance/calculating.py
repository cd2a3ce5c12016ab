"""Kinds about metrics: ratios, groups of pods, requests and the replica calculator."""

from __future__ import annotations

from collections.abc import Callable

from autoscaler.engine.behavior import Tolerances
from autoscaler.engine.per_unit_target import (
    AverageValueTarget,
    CannotTellError,
    PerUnitTarget,
    UtilizationTarget,
)
from autoscaler.engine.replica_calculator import (
    MOST_USAGE,
    Calculated,
    UnitReadings,
    replicas_for_average,
    replicas_for_units,
    replicas_for_value,
)
from autoscaler.engine.unit_groups import group_units
from tests.conformance.translate import (
    NOW,
    Answer,
    Case,
    readings_of,
    requests_of,
    units_of,
    warmup_of,
)

PER_POD = ("Resource", "ContainerResource", "Pods")
# What Kubernetes 1.36 shows for an average over no replicas: its quotient as an integer on amd64.
AVERAGE_OF_NONE = -(2**63)


def resource_utilization_ratio(case: Case) -> Answer:
    target = UtilizationTarget(case["targetUtilization"], case["requestsMilli"])
    usage = target.usage(case["metricsMilli"])
    return {
        "utilizationRatio": usage.ratio,
        "currentUtilization": usage.utilization,
        "averageValueMilli": usage.average,
        "error": None,
    }


def metric_usage_ratio(case: Case) -> Answer:
    usage = AverageValueTarget(case["targetMilli"]).usage(case["metricsMilli"])
    return {"usageRatio": usage.ratio, "currentUsageMilli": usage.average}


def group_pods(case: Case) -> Answer:
    readings = readings_of(case["metrics"])
    warmup = warmup_of(case["controller"], case["resource"])
    groups = group_units(units_of(case["pods"], {}), readings, NOW, warmup)
    return {
        "readyPodCount": groups.ready,
        "unreadyPods": sorted(groups.unready),
        "missingPods": sorted(groups.missing),
        "ignoredPods": sorted(groups.ignored),
    }


def pod_requests(case: Case) -> Answer:
    pod_level = case["featureGates"]["PodLevelResources"]
    requests = requests_of(case["pods"], case["container"], case["resource"], pod_level=pod_level)
    return {"requestsMilli": requests, "error": None}


def replica_calculator(case: Case) -> Answer:
    metric, current = case["metric"], case["currentReplicas"]
    tolerances = Tolerances(case["tolerances"]["scaleDown"], case["tolerances"]["scaleUp"])
    found = calculate(case, metric, current, current, tolerances)
    answer = {"replicas": found.replicas, "error": None}
    if metric["type"] in ("Resource", "ContainerResource"):
        answer["averageValueMilli"] = found.usage
    if found.utilization is None:
        answer["usageMilli"] = _usage_shown(metric, current, found.usage)
    else:
        answer["utilization"] = found.utilization
    return answer


def calculate(
    case: Case, metric: Case, spec_replicas: int, status_replicas: int, tolerances: Tolerances
) -> Calculated:
    """One metric's proposal, with the `pods` and `controller` of the case."""
    if error := metric["reading"]["error"]:
        raise CannotTellError(error)
    if metric["type"] in PER_POD:
        return _per_pod(case, metric, spec_replicas, tolerances)
    usage, target = _total(metric["reading"]), metric["target"]
    if target["type"] == "AverageValue":
        return replicas_for_average(status_replicas, usage, target["averageValueMilli"], tolerances)
    units = units_of(case["pods"], {})
    return replicas_for_value(spec_replicas, usage, target["valueMilli"], units, tolerances)


def _per_pod(case: Case, metric: Case, current: int, tolerances: Tolerances) -> Calculated:
    pods, resource = case["pods"], metric.get("resource", "")
    target, container = metric["target"], metric.get("container", "")
    of_requests = target["type"] == "Utilization"
    requests = requests_of(pods, container, resource, pod_level=True) if of_requests else {}
    units = units_of(pods, requests)
    goal: PerUnitTarget
    if of_requests:
        goal = UtilizationTarget.of_units(target["averageUtilization"], units)
    elif target["type"] == "AverageValue":
        goal = AverageValueTarget(target["averageValueMilli"])
    else:
        raise CannotTellError(f"a {metric['type']} metric has no target type {target['type']!r}")
    readings = readings_of(metric["reading"]["pods"])
    warmup = warmup_of(case["controller"], resource)
    return replicas_for_units(UnitReadings(current, units, readings, NOW, warmup), goal, tolerances)


def _usage_shown(metric: Case, current: int, usage: int) -> int:
    """The usage, but where Kubernetes 1.36 shows no average that could be one."""
    if metric["type"] in PER_POD or metric["target"]["type"] == "Value":
        return usage
    if metric["type"] == "External" and float(_total(metric["reading"])) >= MOST_USAGE:
        return MOST_USAGE
    return usage if current else AVERAGE_OF_NONE


def _total(reading: Case) -> int:
    values = reading["valuesMilli"] if "valuesMilli" in reading else [reading["valueMilli"]]
    return min(sum(values), MOST_USAGE)


KINDS: dict[str, Callable[[Case], Answer]] = {
    "resource_utilization_ratio": resource_utilization_ratio,
    "metric_usage_ratio": metric_usage_ratio,
    "group_pods": group_pods,
    "pod_requests": pod_requests,
    "replica_calculator": replica_calculator,
}

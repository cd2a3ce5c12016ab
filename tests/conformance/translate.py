"""From the words of a case to the engine's records, and back. Case times are ages: now is 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from autoscaler.engine.history import LoggedRecommendation, ScaleEvent
from autoscaler.engine.limits import Bounds
from autoscaler.engine.per_unit_target import CannotTellError
from autoscaler.engine.unit_groups import Phase, Readiness, Reading, UnitState, Warmup
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules, Select

Case = Mapping[str, Any]
Answer = dict[str, Any]
NOW = 0.0
PHASES = {"Pending": Phase.PENDING, "Running": Phase.RUNNING, "Failed": Phase.FAILED}
READINESS = {"True": True, "False": False}
POD_LEVEL = ("cpu", "memory", "hugepages-")
Word = TypeVar("Word", bound=StrEnum)


def rules_of(rules: Case | None) -> ScalingRules | None:
    """Raises ValueError when a word is not one of the API's."""
    if rules is None:
        return None
    select = rules["selectPolicy"]
    return ScalingRules(
        stabilization_window_seconds=rules["stabilizationWindowSeconds"],
        select=Select.MAX if select is None else _word(Select, select),
        limits=tuple(
            Limit(_word(LimitType, p["type"]), p["value"], p["periodSeconds"])
            for p in rules["policies"] or ()
        ),
        tolerance=rules["tolerance"],
    )


def behavior_of(behavior: Case | None) -> Behavior | None:
    """A behavior of which both directions are given."""
    if behavior is None:
        return None
    up, down = rules_of(behavior["scaleUp"]), rules_of(behavior["scaleDown"])
    return Behavior(up or ScalingRules(), down or ScalingRules())


def rules_told(rules: ScalingRules) -> Answer:
    """The API's spelling of rules."""
    return {
        "policies": [
            {
                "type": limit.type.title(),
                "value": limit.value,
                "periodSeconds": limit.period_seconds,
            }
            for limit in rules.limits
        ],
        "selectPolicy": rules.select.title(),
        "stabilizationWindowSeconds": rules.stabilization_window_seconds,
        "tolerance": rules.tolerance,
    }


def bounds_of(spec: Case) -> Bounds:
    """The API's default of minReplicas is 1."""
    least = spec["minReplicas"]
    return Bounds(1 if least is None else least, spec["maxReplicas"])


def log_of(recommendations: Iterable[Case]) -> tuple[LoggedRecommendation, ...]:
    return tuple(LoggedRecommendation(r["replicas"], -r["ageSeconds"]) for r in recommendations)


def events_of(events: Iterable[Case]) -> tuple[ScaleEvent, ...]:
    return tuple(ScaleEvent(e["replicaChange"], -e["ageSeconds"], e["outdated"]) for e in events)


def warmup_of(controller: Case, resource: str) -> Warmup | None:
    """Only readings of CPU are spoilt by a start-up."""
    if resource != "cpu":
        return None
    return Warmup(
        controller["cpuInitializationPeriodSeconds"],
        controller["delayOfInitialReadinessStatusSeconds"],
    )


def readings_of(pods: Iterable[Case]) -> dict[str, Reading]:
    return {
        p["pod"]: Reading(p["valueMilli"], -p["timestampAgeSeconds"], p["windowSeconds"])
        for p in pods
    }


def units_of(pods: Iterable[Case], requests: Mapping[str, int]) -> list[UnitState]:
    return [
        UnitState(
            name=pod["name"],
            phase=PHASES.get(pod["phase"], Phase.OVER),
            leaving=pod["deleting"],
            started_at=None if pod["startAgeSeconds"] is None else -pod["startAgeSeconds"],
            readiness=_readiness_of(pod["ready"]),
            request=requests.get(pod["name"]),
        )
        for pod in pods
    ]


def requests_of(pods: Iterable[Case], container: str, resource: str, *, pod_level: bool) -> Answer:
    """What each pod asks for; it is a pod's own affair, our units come with their request."""
    return {pod["name"]: _request_of(pod, container, resource, pod_level) for pod in pods}


def _request_of(pod: Case, container: str, resource: str, pod_level: bool) -> int:
    whole: dict[str, int] = pod["podLevelRequestsMilli"] or {}
    if pod_level and not container and any(name.startswith(POD_LEVEL) for name in whole):
        return _whole_request_of(pod, resource)
    sidecars = (c for c in pod.get("initContainers") or () if c["restartPolicy"] == "Always")
    chosen = [c for c in (*pod["containers"], *sidecars) if container in ("", c["name"])]
    if container and not chosen:
        raise CannotTellError(f"container {container} not found in Pod {pod['name']}")
    for each in chosen:
        if resource not in each["requestsMilli"]:
            where = f"container {each['name']} of Pod {pod['name']}"
            raise CannotTellError(f"missing request for {resource} in {where}")
    return sum(each["requestsMilli"][resource] for each in chosen)


def _whole_request_of(pod: Case, resource: str) -> int:
    """What the pod itself asks for, or else its containers, of which some run only at the start."""
    whole: dict[str, int] = pod["podLevelRequestsMilli"]
    if resource in whole and resource.startswith(POD_LEVEL):
        return whole[resource]
    asked: list[int] = [
        r[resource] for c in pod["containers"] if resource in (r := c["requestsMilli"])
    ]
    sidecars, starting = 0, list[int]()
    for each in pod.get("initContainers") or ():
        request: int | None = each["requestsMilli"].get(resource)
        if request is not None:
            starting.append(sidecars + request)
            sidecars += request if each["restartPolicy"] == "Always" else 0
    if not asked and not starting:
        raise CannotTellError(f"missing pod-level request for {resource} in Pod {pod['name']}")
    return max(sum(asked) + sidecars, *starting, 0)


def _word(words: type[Word], text: str) -> Word:
    """The API's words are ours with a capital letter, and with no other."""
    if text != text.capitalize():
        raise ValueError(f"{text!r} is not one of {', '.join(words).title()}")
    return words(text.lower())


def _readiness_of(ready: Case | None) -> Readiness | None:
    if ready is None:
        return None
    return Readiness(READINESS.get(ready["status"]), -ready["lastTransitionAgeSeconds"])

"""A HorizontalPodAutoscaler as a fleet."""

from __future__ import annotations

from autoscaler.convert import promql
from autoscaler.convert.behavior import read_behavior
from autoscaler.convert.draft import Draft, NoteKind, Origin, Sources, Spec
from autoscaler.convert.fields import Fields
from autoscaler.convert.resource import RESOURCES, resource_policy
from autoscaler.convert.workload import (
    MAX_REPLICAS,
    fleet_name,
    origin_of,
    target_of,
)
from autoscaler.quantity import plain

VERSION = "autoscaling/v2"


def read_hpa(document: Fields, namespace: str, sources: Sources) -> Draft:
    """The fleet that decides as this HPA. What is wrong with it becomes faults."""
    version = document.text("apiVersion")
    if version not in (VERSION, "autoscaling/v1"):
        message = f"is {version!r}; get it as {VERSION}: `kubectl get hpa.v2.autoscaling -o yaml`"
        document.fault("apiVersion", message)
    document.ignore("status")
    origin, own = origin_of(document, namespace)
    spec = document.mapping("spec")
    draft = hpa_draft(spec, origin, own)
    document.close()
    _read_metrics(spec, draft, own, sources)
    draft.behavior = read_behavior(spec.mapping("behavior"))
    spec.close()
    note_queues(draft, spec)
    return draft


def hpa_draft(spec: Fields, origin: Origin, namespace: str) -> Draft:
    """The fleet's sizes and target."""
    reference = spec.mapping("scaleTargetRef")
    target = target_of(reference, namespace)
    reference.close()
    least = spec.whole("minReplicas", 1, 0, MAX_REPLICAS)
    most = spec.whole("maxReplicas", None, 1, MAX_REPLICAS)
    if most is None and "maxReplicas" not in spec:
        spec.fault("maxReplicas", "is missing; write how many replicas there may be")
    least, most = least or 0, most or MAX_REPLICAS
    if least > most:
        spec.fault("minReplicas", f"{least} is more than maxReplicas, {most}")
    return Draft(origin, fleet_name(reference.text("name")), target, least, most)


def note_queues(draft: Draft, spec: Fields) -> None:
    """Nothing in an HPA says that its pods are Celery workers."""
    message = (
        "if these are Celery workers, add their `queues` and a broker: only then are they "
        "drained before they leave, and can `demand_tasks` be followed in place of CPU"
    )
    draft.note(NoteKind.TO_DO, spec.place("scaleTargetRef"), spec.line, message)


def _read_metrics(spec: Fields, draft: Draft, namespace: str, sources: Sources) -> None:
    utilization = spec.whole("targetCPUUtilizationPercentage", None, 1, MAX_REPLICAS)
    metrics = spec.items("metrics")
    if not metrics:
        # What the API server itself writes into an HPA that names no metric.
        sources.pods(draft.target["namespace"])
        draft.policy(resource_policy("cpu", "", "Utilization", utilization or 80))
    for metric in metrics:
        read_metric(metric, draft, namespace, sources)


def read_metric(metric: Fields, draft: Draft, namespace: str, sources: Sources) -> None:
    """One entry of `metrics`, as one policy."""
    kinds = {
        "Resource": "resource",
        "ContainerResource": "containerResource",
        "Pods": "pods",
        "Object": "object",
        "External": "external",
    }
    kind = metric.choice("type", tuple(kinds), "Resource")
    inner = metric.mapping(kinds[kind])
    if inner.node.value is None:
        metric.fault(kinds[kind], f"is missing; a metric of type {kind} has it")
        return
    metric.close()
    if kind in ("Resource", "ContainerResource"):
        _read_resource(inner, draft, sources)
    else:
        _read_adapted(kind, inner, draft, namespace, sources)


def _read_resource(inner: Fields, draft: Draft, sources: Sources) -> None:
    name, container = inner.required("name", "cpu"), inner.text("container")
    goal, value = _target(inner, ("Utilization", "AverageValue"))
    inner.close()
    if name not in RESOURCES:
        message = f"{name} is not measured by metrics.k8s.io; only cpu and memory are"
        draft.note(NoteKind.LOST, inner.path, inner.line, message)
        return
    sources.pods(draft.target["namespace"])
    draft.policy(resource_policy(name, container, goal, value))


def _read_adapted(kind: str, inner: Fields, draft: Draft, namespace: str, sources: Sources) -> None:
    """A metric that an adapter served: Prometheus is asked for what it most likely stands for."""
    metric = inner.mapping("metric")
    name = metric.required("name", "http_requests")
    matchers = promql.selector_matchers(metric.mapping("selector"))
    metric.close()
    goals = {"Pods": ("AverageValue",), "Object": ("Value", "AverageValue")}
    goal, value = _target(inner, goals.get(kind, ("Value", "AverageValue")))
    matchers = _place_matchers(kind, inner, draft, namespace) + matchers
    inner.close()
    if not promql.is_metric(name):
        message = (
            f"{name!r} is no name that Prometheus knows, so another system serves it; "
            "bring it into Prometheus, and write its query"
        )
        draft.note(NoteKind.LOST, inner.path, inner.line, message)
        return
    query = promql.sum_of(name, matchers)
    sample = sources.query("", {}, name, query)
    draft.policy(tracking(sample, goal, value))
    message = f"an adapter served {name}; see that `{query}` is what it asked Prometheus for"
    draft.note(NoteKind.TO_DO, inner.path, inner.line, message)


def _place_matchers(kind: str, inner: Fields, draft: Draft, namespace: str) -> list[str]:
    matchers = [promql.equals("namespace", namespace)]
    if kind == "Pods":
        workload = list(draft.target.values())[-1]
        name = workload["name"] if isinstance(workload, dict) else workload
        return [*matchers, promql.begins("pod", f"{name}-")]
    if kind == "Object":
        described = inner.mapping("describedObject")
        described.ignore("apiVersion")
        label = described.required("kind", "Service").lower()
        matchers.append(promql.equals(label, described.required("name", "main")))
        described.close()
        return matchers
    return []


def _target(inner: Fields, allowed: tuple[str, ...]) -> tuple[str, float]:
    """The type of a metric's target and its number."""
    target = inner.mapping("target")
    keys = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
    goal = target.choice("type", allowed, allowed[0])
    value = target.positive(keys[goal])
    if value is None and keys[goal] not in target:
        target.fault(keys[goal], f"is missing; a target of type {goal} has it")
    target.ignore(*keys.values())
    target.close()
    return goal, value or 1.0


def tracking(sample: str, goal: str, value: float, activation: float = 0) -> Spec:
    """The policy that keeps a sample at its target; goal is the type of the HPA's target."""
    key = "value" if goal == "Value" else "average_value"
    policy: Spec = {"kind": "target_tracking", "sample": sample, key: plain(value)}
    return {**policy, "activation_value": plain(activation)} if activation else policy

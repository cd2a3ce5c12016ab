"""A ScaledObject of KEDA as a fleet."""

from __future__ import annotations

from autoscaler.convert.airflow_query import read_sql
from autoscaler.convert.behavior import WINDOW, read_behavior
from autoscaler.convert.draft import Draft, NoteKind, Sources, Spec
from autoscaler.convert.fields import Fields
from autoscaler.convert.hpa import note_queues
from autoscaler.convert.modifiers import read_modifiers
from autoscaler.convert.prometheus_trigger import read_prometheus
from autoscaler.convert.queues import read_rabbitmq, read_redis
from autoscaler.convert.resource import RESOURCES, resource_policy
from autoscaler.convert.trigger import Authentications, Trigger, read_trigger
from autoscaler.convert.workload import (
    MAX_REPLICAS,
    fleet_name,
    note_annotations,
    origin_of,
    target_of,
)

API_GROUP = "keda.sh/"
COOLDOWN_SECONDS = 300
WINDOW_SECONDS = 300
_LONGEST = 366 * 24 * 3600
_READERS = {
    "redis": read_redis,
    "redis-sentinel": read_redis,
    "redis-cluster": read_redis,
    "rabbitmq": read_rabbitmq,
    "postgresql": read_sql,
    "mysql": read_sql,
    "prometheus": read_prometheus,
}


def read_scaled_object(
    document: Fields, namespace: str, sources: Sources, authentications: Authentications
) -> Draft:
    """The fleet that decides as this ScaledObject. What is wrong with it becomes faults."""
    if not document.text("apiVersion").startswith(API_GROUP):
        document.fault("apiVersion", f"must be {API_GROUP}v1alpha1")
    document.ignore("status")
    origin, own = origin_of(document, namespace)
    spec = document.mapping("spec")
    reference = spec.mapping("scaleTargetRef")
    reference.ignore("envSourceContainerName")
    name = fleet_name(reference.text("name"))
    least, idle, most = _sizes(spec)
    target = target_of(reference, own)
    reference.close()
    draft = Draft(origin, name, target, least if idle is None else idle, most)
    note_annotations(draft, document)
    read_triggers(spec, draft, own, sources, authentications)
    if idle is not None:
        _keep_idle(draft, least)
    read_pace(spec, draft)
    document.close()
    if not draft.queues:
        note_queues(draft, spec)
    return draft


def read_triggers(
    spec: Fields, draft: Draft, namespace: str, sources: Sources, authentications: Authentications
) -> None:
    """A policy for each trigger that has a counterpart here."""
    triggers = spec.items("triggers")
    if not triggers:
        spec.fault("triggers", "is empty; a ScaledObject needs one to scale by")
    samples: dict[str, str] = {}
    for fields in triggers:
        trigger = read_trigger(fields, namespace, authentications, draft)
        known = len(draft.policies)
        _read_one(trigger, draft, sources)
        trigger.close(draft)
        if trigger.name and draft.policies[known:]:
            samples[trigger.name] = _sample(draft.policies[-1])
    read_modifiers(spec.mapping("advanced").mapping("scalingModifiers"), draft, samples)


def _read_one(trigger: Trigger, draft: Draft, sources: Sources) -> None:
    from autoscaler.convert.cron import read_cron  # noqa: PLC0415 - 20 ms that few need

    if trigger.kind == "cron":
        read_cron(trigger, draft)
    elif trigger.kind in RESOURCES:
        _read_resource(trigger, draft, sources)
    elif reader := _READERS.get(trigger.kind):
        reader(trigger, draft, sources)
    else:
        trigger.metadata.texts()
        message = (
            f"no source reads what {trigger.kind!r} does; if Prometheus has the same number, "
            "follow that with the prometheus source"
        )
        trigger.note(draft, NoteKind.LOST, message)


def _read_resource(trigger: Trigger, draft: Draft, sources: Sources) -> None:
    metadata = trigger.metadata
    goal = trigger.goal or metadata.text("type") or "Utilization"
    value = metadata.positive("value")
    if value is None and "value" not in metadata:
        metadata.fault("value", "is missing; write how much one replica should use, such as 70")
    container = metadata.text("containerName")
    metadata.ignore("type")
    sources.pods(draft.target["namespace"])
    draft.policy(resource_policy(trigger.kind, container, goal, value or 1.0))


def _sample(policy: Spec) -> str:
    """What stands for a trigger in a formula; '' for a schedule."""
    labels = ",".join(f'{key}="{value}"' for key, value in policy.get("labels", {}).items())
    sample = str(policy.get("sample", ""))
    return f"{sample}{{{labels}}}" if labels else sample


def _sizes(spec: Fields) -> tuple[int, int | None, int]:
    """The least, the idle and the most replicas."""
    least = spec.whole("minReplicaCount", 0, 0, MAX_REPLICAS) or 0
    most = spec.whole("maxReplicaCount", 100, 1, MAX_REPLICAS) or 100
    idle = spec.whole("idleReplicaCount", None, 0, MAX_REPLICAS)
    if least > most:
        spec.fault("minReplicaCount", f"{least} is more than maxReplicaCount, {most}")
    if idle is not None and idle >= least:
        spec.fault("idleReplicaCount", f"{idle} must be less than minReplicaCount, {least}")
    return least, idle, most


def _keep_idle(draft: Draft, least: int) -> None:
    """Below its activation a sample asks for none; above it for at least minReplicaCount."""
    for policy in list(draft.policies):
        if policy["kind"] == "schedule":
            policy["min_replicas"] = max(policy["min_replicas"], least)
        elif policy["kind"] == "target_tracking" and policy["sample"] not in RESOURCES:
            bound = policy.get("activation_value", 0)
            labels = {"labels": policy["labels"]} if "labels" in policy else {}
            steps = [{"at_most": bound, "replicas": 0}, {"above": bound, "replicas": least}]
            draft.policy({"kind": "step", "sample": policy["sample"], **labels, "steps": steps})


def read_pace(spec: Fields, draft: Draft, cooldown_seconds: int = COOLDOWN_SECONDS) -> None:
    """How often it polls, how fast it may go, and what happens when nothing can be read."""
    advanced = spec.mapping("advanced")
    hpa = advanced.mapping("horizontalPodAutoscalerConfig")
    hpa.ignore("name")
    draft.behavior = read_behavior(hpa.mapping("behavior"))
    hpa.close()
    if advanced.flag("restoreToOriginalReplicaCount"):
        message = "whoever deletes the fleet from the config finds the number as it last was"
        draft.note(
            NoteKind.LOST, advanced.place("restoreToOriginalReplicaCount"), advanced.line, message
        )
    advanced.close()
    _cool_down(spec, draft, cooldown_seconds)
    polling = spec.whole("pollingInterval", None, 1, _LONGEST)
    if polling is not None:
        message = f"every {polling} s; here one tick reads all, every interval_seconds (5)"
        draft.note(NoteKind.DIFFERS, spec.place("pollingInterval"), spec.line, message)
    if "fallback" in spec:
        message = (
            "no number is made up while nothing can be read: the present one is held, nothing "
            "leaves, and the check source_down tells of it"
        )
        draft.note(NoteKind.LOST, spec.place("fallback"), spec.line, message)
    spec.ignore("fallback", "initialCooldownPeriod")
    spec.close()


def _cool_down(spec: Fields, draft: Draft, default: int) -> None:
    """KEDA waits before the last replica goes; here the window of scale-down is for each."""
    cooldown = spec.whole("cooldownPeriod", default, 0, _LONGEST)
    if draft.min_replicas > 0 or cooldown is None:
        return
    down = (draft.behavior or {}).get("scale_down", {})
    window = down.get(WINDOW, WINDOW_SECONDS)
    if cooldown == window:
        return
    longest = min(max(cooldown, window), 3600)
    message = f"{cooldown} s before the last replica went; the window of {longest} s is for all"
    draft.note(NoteKind.DIFFERS, spec.place("cooldownPeriod"), spec.line, message)
    if longest != window:
        draft.behavior = {**(draft.behavior or {}), "scale_down": {**down, WINDOW: longest}}

"""Objects as the API server gives them, in short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler.clients.kubernetes.pods import Pod, parse_pod
from autoscaler.clients.kubernetes.workload import Workload, parse_workload

CREATED = "2026-11-22T10:00:00Z"
CREATED_AT = 1795341600.0


def pod_manifest(
    name: str = "worker-5d4f-abcde",
    *,
    phase: str = "Running",
    ready: bool = True,
    node: str = "node-1",
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    owner: tuple[str, str, str] | None = ("ReplicaSet", "worker-5d4f", "rs-1"),
    containers: Sequence[Mapping[str, Any]] | None = None,
    conditions: Sequence[Mapping[str, Any]] | None = None,
    spec: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A pod of Deployment worker that runs and is ready."""
    references = []
    if owner is not None:
        kind, owner_name, uid = owner
        references = [{"kind": kind, "name": owner_name, "uid": uid, "controller": True}]
    running = {"name": "worker", "ready": ready, "state": {"running": {"startedAt": CREATED}}}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "7",
            "creationTimestamp": CREATED,
            "labels": {"app": "worker", "pod-template-hash": "5d4f", **(labels or {})},
            "annotations": dict(annotations or {}),
            "ownerReferences": references,
            **metadata,
        },
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 600,
            "containers": [{"name": "worker", "image": "airflow:3.1"}],
            **(spec or {}),
        },
        "status": {
            "phase": phase,
            "conditions": conditions or [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [running] if containers is None else containers,
        },
    }


def pod(name: str = "worker-5d4f-abcde", **facts: Any) -> Pod:
    return parse_pod(pod_manifest(name, **facts))


def deployment_manifest(
    replicas: int = 3,
    *,
    manager: str | None = "autoscaler",
    subresource: str = "scale",
    annotations: Mapping[str, str] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Deployment worker, its last rollout long over."""
    fields = []
    if manager is not None:
        entry = {"manager": manager, "operation": "Update", "time": CREATED}
        entry |= {"subresource": subresource} if subresource else {}
        fields = [{**entry, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
    return {
        "metadata": {
            "name": "worker",
            "uid": "deployment-1",
            "resourceVersion": "11",
            "generation": 4,
            "annotations": dict(annotations or {}),
            "managedFields": fields,
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "worker"}}, **spec},
        "status": status
        or {"observedGeneration": 4, "replicas": replicas, "updatedReplicas": replicas},
    }


def deployment(replicas: int = 3, **facts: Any) -> Workload:
    return parse_workload(deployment_manifest(replicas, **facts), "Deployment")


def statefulset(replicas: int = 3, start: int = 0) -> Workload:
    manifest = deployment_manifest(replicas, ordinals={"start": start})
    return parse_workload(manifest, "StatefulSet")


def ordinal(number: int, **facts: Any) -> Pod:
    """The pod of StatefulSet worker with this ordinal."""
    owner = ("StatefulSet", "worker", "deployment-1")
    return pod(f"worker-{number}", owner=owner, **facts)

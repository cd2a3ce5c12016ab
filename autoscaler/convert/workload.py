"""What is scaled, and its names: the target of a fleet, and annotations that matter."""

from __future__ import annotations

import re

from autoscaler.convert.draft import Draft, NoteKind, Origin, Spec
from autoscaler.convert.fields import Fields

MAX_REPLICAS = 100_000
LONGEST_NAME = 63
_WORKLOADS = {"Deployment": "deployment", "StatefulSet": "statefulset"}
_PAUSES = {
    "autoscaling.keda.sh/paused": "autoscaler/paused",
    "autoscaling.keda.sh/paused-replicas": "autoscaler/paused-replicas",
    "autoscaling.keda.sh/paused-scale-in": "",
    "autoscaling.keda.sh/paused-scale-out": "",
}


def origin_of(document: Fields, namespace: str) -> tuple[Origin, str]:
    """Where an object is from, and its namespace: its own, else the one given."""
    metadata = document.mapping("metadata")
    name = metadata.required("name", "airflow-worker")
    own = metadata.text("namespace") or namespace
    if not own:
        message = "is missing; write it, or convert with --namespace NAME"
        metadata.fault("namespace", message)
    shown = f"{own}/{name}"
    return Origin(document.text("kind"), shown, document.file, document.line), own


def target_of(reference: Fields, namespace: str) -> Spec:
    """The target that a scaleTargetRef names; a Deployment, as in KEDA, unless it says more."""
    name = reference.required("name", "airflow-worker")
    kind = reference.text("kind") or "Deployment"
    version = reference.text("apiVersion") or "apps/v1"
    target: Spec = {"kind": "kubernetes", "namespace": namespace}
    if kind in _WORKLOADS and version.startswith("apps/"):
        return {**target, _WORKLOADS[kind]: name}
    return {**target, "scale_target_ref": {"api_version": version, "kind": kind, "name": name}}


def fleet_name(workload: str) -> str:
    """The workload's name as a fleet may be called."""
    name = re.sub(r"[^a-z0-9-]", "-", workload.lower())[:LONGEST_NAME].strip("-")
    return name or "workers"


def note_annotations(draft: Draft, document: Fields) -> None:
    """Pauses stand on the workload here, or are an operator's word to the daemon."""
    metadata = document.mapping("metadata")
    annotations = metadata.mapping("annotations").texts()
    for name in sorted(_PAUSES.keys() & annotations.keys()):
        path, value = f"metadata.annotations.{name}", annotations[name]
        ours = _PAUSES[name]
        message = (
            f"annotate the workload itself with {ours}={value}"
            if ours
            else (
                f"it is {value!r}; one direction is switched off by `select: disabled` in behavior"
            )
        )
        draft.note(NoteKind.LOST, path, metadata.line, message)

"""What is scaled, and its names: the target of a fleet, and annotations that matter."""

from __future__ import annotations

import re

from autoscaler.convert.draft import Draft, NoteKind, Origin, Spec
from autoscaler.convert.fields import Fields

MAX_REPLICAS = 100_000
LONGEST_NAME = 63
_WORKLOADS = {"Deployment": "deployment", "StatefulSet": "statefulset"}
_PAUSES = {
    "autoscaling.keda.sh/paused",
    "autoscaling.keda.sh/paused-replicas",
    "autoscaling.keda.sh/paused-scale-in",
    "autoscaling.keda.sh/paused-scale-out",
}


def origin_of(document: Fields, namespace: str) -> tuple[Origin, str]:
    """Where an object is from, and its namespace: its own, else the one given."""
    metadata = document.mapping("metadata")
    name = metadata.required("name", "airflow-worker")
    own = metadata.text("namespace") or namespace
    shown = f"{own}/{name}" if own else name
    return Origin(document.text("kind"), shown, document.file, document.line), own


def target_of(reference: Fields, namespace: str) -> Spec:
    """The target that a scaleTargetRef names; a Deployment, as in KEDA, unless it says more."""
    name = reference.required("name", "airflow-worker")
    kind = reference.text("kind") or "Deployment"
    version = reference.text("apiVersion") or "apps/v1"
    target: Spec = {"kind": "kubernetes"}
    if namespace:
        target["namespace"] = namespace
    if kind in _WORKLOADS and version.startswith("apps/"):
        return {**target, _WORKLOADS[kind]: name}
    return {**target, "scale": {"api_version": version, "kind": kind, "name": name}}


def fleet_name(workload: str) -> str:
    """The workload's name as a fleet may be called."""
    name = re.sub(r"[^a-z0-9-]", "-", workload.lower())[:LONGEST_NAME].strip("-")
    return name or "workers"


def note_missing_namespace(draft: Draft, line: int) -> None:
    """Nobody has said which namespace the workload is in."""
    if "namespace" not in draft.target:
        message = "the input names no namespace; add it to the target, or convert with --namespace"
        draft.note(NoteKind.TO_DO, "metadata.namespace", line, message)


def note_annotations(draft: Draft, document: Fields) -> None:
    """Pauses are an operator's word to the daemon, not a part of its config."""
    metadata = document.mapping("metadata")
    annotations = metadata.mapping("annotations").texts()
    for name in sorted(_PAUSES & annotations.keys()):
        path = f"metadata.annotations.{name}"
        message = f"it is {annotations[name]!r}; run `autoscaler pause {draft.name}`"
        if name.endswith("paused-replicas"):
            message = f"run `autoscaler scale {draft.name} {annotations[name]}`, which holds it"
        draft.note(NoteKind.LOST, path, metadata.line, message)

"""A pod as the API gives it, made into a record that holds what matters here and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.connection import Object
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.requests import requests_of
from autoscaler.model import ContainerRequest, Drain, Fence, UnitPhase

ZONE = "topology.kubernetes.io/zone"
SPOT_LABELS = {
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "cloud.google.com/gke-spot": "true",
    "cloud.google.com/gke-preemptible": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}
DEFAULT_GRACE_SECONDS = 30.0
_NOTED = (*marks.SHIELDS, marks.SHIELD)


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller that made a pod and would replace it."""

    kind: str = ""
    name: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod. Times are Unix seconds.

    status: its phase in Kubernetes' words. condition: why it is not working, if it is not.
    template: the hash of the template that it was made from. shields: the annotations about them.
    ready_since: when its readiness last changed. requests: what its containers ask for.
    resizing: how far a resize in place is that is not done yet.
    """

    name: str
    uid: str
    version: str
    created_at: float
    phase: UnitPhase
    status: str
    condition: str
    ready: bool
    node: str
    zone: str
    spot: bool
    image: str
    grace_seconds: float
    owner: Owner
    template: str
    drain: Drain | None
    fence: Fence
    leaving: bool
    shielded: bool
    cost: int
    shields: Mapping[str, str]
    started_at: float | None
    ready_since: float | None
    requests: tuple[ContainerRequest, ...]
    resizing: str

    @property
    def live(self) -> bool:
        """Whether its controller counts it among the replicas."""
        return self.phase in (UnitPhase.PENDING, UnitPhase.RUNNING)

    @property
    def ordinal(self) -> int | None:
        """The number at the end of its name, which StatefulSets give."""
        tail = self.name.rpartition("-")[2]
        return int(tail) if tail.isdecimal() else None


def parse_pod(item: Object, container: str | None = None) -> Pod:
    """The record of one pod. container: whose image is told. Raises ApiError when it is no pod."""
    try:
        return _pod(item, container)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(f"a pod came that cannot be understood: {error!r}") from error


def spot_of(labels: Mapping[str, str]) -> bool:
    """Whether labels of a node, or what a pod selects nodes by, say that it may be taken away."""
    return any(labels.get(name) == value for name, value in SPOT_LABELS.items())


def unix_seconds(text: str) -> float:
    """A time as the API writes it. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()


def _pod(item: Object, container: str | None) -> Pod:
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    annotations = metadata.get("annotations") or {}
    labels = metadata.get("labels") or {}
    created_at = unix_seconds(metadata["creationTimestamp"])
    phase, condition = _state(metadata, status)
    selected = spec.get("nodeSelector") or {}
    readiness = _condition(status, "Ready")
    grace = spec.get("terminationGracePeriodSeconds")
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        created_at=created_at,
        phase=phase,
        status=status.get("phase") or "Pending",
        condition=condition,
        ready=readiness.get("status") == "True",
        node=spec.get("nodeName") or "",
        zone=labels.get(ZONE) or selected.get(ZONE) or "",
        spot=spot_of(selected) or spot_of(labels),
        image=_image(spec["containers"], container),
        grace_seconds=DEFAULT_GRACE_SECONDS if grace is None else float(grace),
        owner=_owner(metadata.get("ownerReferences") or ()),
        template=labels.get("pod-template-hash") or "",
        drain=marks.drain_of(annotations, created_at),
        fence=marks.fence_of(annotations),
        leaving=marks.LEAVING in annotations,
        shielded=annotations.get(marks.SHIELDED) == "true",
        cost=marks.cost_of(annotations),
        shields={name: annotations[name] for name in _NOTED if name in annotations},
        started_at=_moment(status.get("startTime")),
        ready_since=_moment(readiness.get("lastTransitionTime")),
        requests=requests_of(spec),
        resizing=_resizing(status),
    )


def _moment(text: str | None) -> float | None:
    return unix_seconds(text) if text else None


def _state(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[UnitPhase, str]:
    """Where it is in its life, and what keeps it from working.

    A pod is Pending while any of its containers is not up; a worker in another may be at work.
    """
    if metadata.get("deletionTimestamp"):
        return UnitPhase.TERMINATING, "terminating"
    phase = status.get("phase") or "Pending"
    if phase in ("Failed", "Succeeded"):
        return UnitPhase.FAILED, status.get("reason") or phase.lower()
    containers = status.get("containerStatuses") or ()
    started = any("running" in (one.get("state") or {}) for one in containers)
    condition = _hindrance(status, containers)
    if phase == "Pending" and not started:
        return UnitPhase.PENDING, condition or "starting"
    return UnitPhase.RUNNING, condition


def _hindrance(status: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> str:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return "unschedulable"
    everyone = (*(status.get("initContainerStatuses") or ()), *containers)
    reasons = [((one.get("state") or {}).get("waiting") or {}).get("reason") for one in everyone]
    if "CrashLoopBackOff" in reasons:
        return "crash-looping"
    stuck = (reason for reason in reasons if reason and reason.startswith(("Err", "Image", "Inv")))
    return next((f"not starting: {reason}" for reason in stuck), "")


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found = (one for one in status.get("conditions") or () if one.get("type") == kind)
    return next(found, {})


def _resizing(status: Mapping[str, Any]) -> str:
    for kind in ("PodResizePending", "PodResizeInProgress"):
        condition = _condition(status, kind)
        if condition.get("status") == "True":
            return condition.get("reason") or "in progress"
    return ""


def _owner(references: Sequence[Mapping[str, Any]]) -> Owner:
    for one in references:
        if one.get("controller"):
            return Owner(one["kind"], one["name"], one["uid"])
    return Owner()


def _image(containers: Sequence[Mapping[str, Any]], name: str | None) -> str:
    found = (one for one in containers if name is None or one.get("name") == name)
    return str(next(found, {}).get("image") or "")

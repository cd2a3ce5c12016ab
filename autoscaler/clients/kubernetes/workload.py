"""What is scaled, as the API gives it: a Deployment, a StatefulSet, or whatever has a scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.connection import FIELD_MANAGER, Object
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.pods import Owner, Pod, unix_seconds

DEPLOYMENT = "Deployment"
STATEFUL_SET = "StatefulSet"
REPLICA_SET = "ReplicaSet"
_OPERATORS = {"In": "{key} in ({values})", "NotIn": "{key} notin ({values})"}
_NOTED = (marks.PAUSED, marks.PAUSED_REPLICAS, marks.TAKE_OVER)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote spec.replicas last, by managedFields: manager, subresource, and when."""

    manager: str
    subresource: str = ""
    at: float | None = None

    @property
    def is_us(self) -> bool:
        """Whether it is this daemon, or another replica of it."""
        return self.manager == FIELD_MANAGER


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale subresource: how many replicas are asked for, of which pods, as of `version`."""

    replicas: int
    selector: str
    version: str


@dataclass(frozen=True, slots=True)
class Workload:
    """What is scaled.

    writer: None where the server does not tell. rollout: why its pods change anyway, or "".
    """

    kind: str
    name: str
    uid: str
    scale: Scale
    writer: Writer | None = None
    rollout: str = ""
    first_ordinal: int = 0
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def ordered(self) -> bool:
        """Whether only the highest ordinals can leave."""
        return self.kind == STATEFUL_SET

    def owns(self, pod: Pod) -> bool:
        """Whether a pod that fits the selector is one of its replicas."""
        owner = pod.owner
        if self.kind == DEPLOYMENT:
            return owner.kind == REPLICA_SET and owner.name == f"{self.name}-{pod.template}"
        if self.kind in (STATEFUL_SET, REPLICA_SET):
            return owner.uid == self.uid
        return owner != Owner()


def parse_workload(item: Object, kind: str, scale: Scale | None = None) -> Workload:
    """The record of one workload. scale: what its subresource says, where its own spec is unknown.

    Raises ApiError when it cannot be understood.
    """
    try:
        return _workload(item, kind, scale)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(f"a {kind} came that cannot be understood: {error!r}") from error


def parse_scale(item: Object) -> Scale:
    """The record of a scale. Raises ApiError. Zero replicas are left out of it by the server."""
    try:
        replicas = (item.get("spec") or {}).get("replicas", 0)
        selector = (item.get("status") or {}).get("selector") or ""
        return Scale(_count(replicas), str(selector), str(item["metadata"]["resourceVersion"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(f"a scale came that cannot be understood: {error!r}") from error


def selector_text(selector: Mapping[str, Any]) -> str:
    """A label selector as lists and watches take it. Raises ValueError, also where it is empty."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        key, values = one["key"], ",".join(one.get("values") or ())
        if one["operator"] in _OPERATORS:
            parts.append(_OPERATORS[one["operator"]].format(key=key, values=values))
        else:
            parts.append({"Exists": key, "DoesNotExist": f"!{key}"}[one["operator"]])
    if not parts:
        raise ValueError("its selector is empty")
    return ",".join(parts)


def _workload(item: Object, kind: str, scale: Scale | None) -> Workload:
    metadata, spec = item["metadata"], item.get("spec") or {}
    if scale is None:
        replicas = _count(spec.get("replicas", 1))
        scale = Scale(replicas, selector_text(spec["selector"]), metadata["resourceVersion"])
    noted = metadata.get("annotations") or {}
    return Workload(
        kind=kind,
        name=metadata["name"],
        uid=metadata["uid"],
        scale=scale,
        writer=_writer(metadata.get("managedFields") or ()),
        rollout=_rollout(item) if kind == DEPLOYMENT else "",
        first_ordinal=_count((spec.get("ordinals") or {}).get("start", 0)),
        annotations={name: noted[name] for name in _NOTED if name in noted},
    )


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number of replicas")
    return value


def _writer(entries: Sequence[Mapping[str, Any]]) -> Writer | None:
    """Who owns spec.replicas; of several the latest."""
    owners = [
        Writer(one.get("manager") or "", one.get("subresource") or "", _time(one.get("time")))
        for one in entries
        if "f:replicas" in ((one.get("fieldsV1") or {}).get("f:spec") or {})
    ]
    return max(owners, key=lambda one: one.at or 0.0, default=None)


def _time(text: str | None) -> float | None:
    return unix_seconds(text) if text else None


def _rollout(item: Object) -> str:
    """Why a Deployment replaces pods by itself just now, so that who leaves is its choice."""
    spec, status = item["spec"], item.get("status") or {}
    if status.get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        return "its controller has yet to see the last change"
    if status.get("updatedReplicas", 0) < min(status.get("replicas", 0), spec.get("replicas", 1)):
        return "a rollout is under way"
    return ""

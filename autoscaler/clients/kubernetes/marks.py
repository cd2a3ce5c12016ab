"""What the daemon writes on pods and workloads: the names and values of its annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping

from autoscaler.model import Drain, Fence

DRAIN = "autoscaler/drain"
FENCE = "autoscaler/fence"
LEAVING = "autoscaler/leaving"
SHIELD = "autoscaler/shield"
SHIELDED = "autoscaler/shielded"
PAUSED = "autoscaler/paused"
PAUSED_REPLICAS = "autoscaler/paused-replicas"
TAKE_OVER = "autoscaler/take-over"
COST = "controller.kubernetes.io/pod-deletion-cost"
SHIELDS = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
Annotations = Mapping[str, str]
Changes = dict[str, str | None]


def drain_of(annotations: Annotations, created_at: float) -> Drain | None:
    """The mark on a pod. A damaged one is still a mark; it is as old as the pod."""
    text = annotations.get(DRAIN)
    if text is None:
        return None
    try:
        mark = json.loads(text)
        queues = tuple(str(queue) for queue in mark["queues"])
        return Drain(float(mark["since"]), queues, mark.get("pinned") is True)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Drain(created_at)


def drained(drain: Drain | None) -> Changes:
    """The annotation that marks a pod, or takes the mark away."""
    if drain is None:
        return {DRAIN: None}
    mark = {"since": drain.since, "queues": list(drain.queues), "pinned": drain.pinned}
    return {DRAIN: json.dumps(mark)}


def fence_of(annotations: Annotations) -> Fence:
    """The newest fence that was applied to a pod."""
    term, _, sequence = annotations.get(FENCE, "").partition(".")
    if term.isdecimal() and sequence.isdecimal():
        return Fence(int(term), int(sequence))
    return Fence(0, 0)


def fenced(fence: Fence) -> Changes:
    """The annotation that says what was applied."""
    return {FENCE: f"{fence.term}.{fence.sequence}"}


def shielded(annotations: Annotations) -> Changes:
    """What keeps a pod where it is; what somebody else has set stays theirs."""
    ours = [name for name in SHIELDS if name not in annotations]
    return {**{name: SHIELDS[name] for name in ours}, SHIELD: " ".join(ours)}


def unshielded(annotations: Annotations) -> Changes:
    """Without the shields that are ours."""
    if SHIELD not in annotations:
        return {}
    ours = [name for name in annotations[SHIELD].split() if name in SHIELDS]
    return {**dict.fromkeys(ours), SHIELD: None}


def cost_of(annotations: Annotations) -> int:
    """How dear the pod is to its ReplicaSet; what is no number counts as none, as it does there."""
    try:
        return int(annotations.get(COST, "0"))
    except ValueError:
        return 0

"""Which pods a ReplicaSet deletes first: ActivePodsWithRanks of kubernetes' controller_utils.go."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cmp_to_key

from tests.kubernetes.kinds import Item
from tests.kubernetes.times import unix

COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def in_order(pods: Sequence[Item], related: Sequence[Item], now: float) -> list[Item]:
    """The pods, first to be deleted first.

    related: the active pods of all ReplicaSets of the same Deployment; of those that share a node
    more of them than elsewhere, one goes first. Times are compared by their logarithm, so that
    among pods of about the same age chance, here the uid, decides.
    """
    crowd = Counter(node_of(pod) for pod in related)

    def compare(one: Item, other: Item) -> int:
        a, b = _first_facts(one, crowd), _first_facts(other, crowd)
        if a != b:
            return -1 if a < b else 1
        if is_ready(one) and is_ready(other):
            order = _younger(_ready_since(one), _ready_since(other), now)
            if order is not None:
                return order or _by_uid(one, other)
        if (gap := restarts(other) - restarts(one)) != 0:
            return gap
        created = [unix(pod["metadata"]["creationTimestamp"]) for pod in (one, other)]
        order = _younger(created[0], created[1], now)
        return 0 if order is None else order or _by_uid(one, other)

    return sorted(pods, key=cmp_to_key(compare))


def node_of(pod: Item) -> str:
    return str(pod["spec"].get("nodeName") or "")


def is_ready(pod: Item) -> bool:
    return _ready(pod).get("status") == "True"


def restarts(pod: Item) -> int:
    """The most that any of its containers has."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((one.get("restartCount", 0) for one in statuses), default=0)


def cost_of(pod: Item) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def _first_facts(pod: Item, crowd: Counter[str]) -> tuple[bool, int, bool, int, int]:
    node, phase = node_of(pod), _PHASES.get(pod["status"].get("phase", ""), 0)
    return bool(node), phase, is_ready(pod), cost_of(pod), -crowd[node]


def _ready(pod: Item) -> Item:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == "Ready"), {})


def _ready_since(pod: Item) -> float:
    stamp = _ready(pod).get("lastTransitionTime")
    return unix(stamp) if stamp else 0.0


def _younger(one: float, other: float, now: float) -> int | None:
    """Negative: `one` is younger by the logarithm of its age. None: they are of the same time."""
    if one == other:
        return None
    if not one or not other:
        return -1 if not one else 1
    return _magnitude(now - one) - _magnitude(now - other)


def _magnitude(seconds: float) -> int:
    return int(math.log2(seconds * 1e9)) if seconds > 0 else -1


def _by_uid(one: Item, other: Item) -> int:
    return -1 if one["metadata"]["uid"] < other["metadata"]["uid"] else 1

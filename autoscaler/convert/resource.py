"""CPU and memory of pods, as the HPA measures them."""

from __future__ import annotations

from autoscaler.convert.draft import Spec
from autoscaler.quantity import plain

RESOURCES = ("cpu", "memory")


def resource_policy(name: str, container: str, goal: str, value: float) -> Spec:
    """The policy for `cpu` or `memory`; container '' is the whole pod.

    goal: Utilization (value in percent of the requests) or AverageValue (cores or bytes).
    """
    policy: Spec = {"kind": "target_tracking", "sample": name}
    if container:
        policy["labels"] = {"container": container}
    key = "utilization" if goal == "Utilization" else "average_value"
    return {**policy, key: plain(value)}

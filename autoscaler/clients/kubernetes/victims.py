"""Who leaves when replicas are lowered: only what makes the right pods leave is ever written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autoscaler.clients.kubernetes.pods import Pod
from autoscaler.clients.kubernetes.workload import REPLICA_SET, Workload
from autoscaler.errors import TargetConflict

LEAST_COST = -(2**31)
_STATUSES = {"Pending": 0, "Unknown": 1}


@dataclass(frozen=True, slots=True)
class Shrink:
    """What lets the victims go: their deletion cost, where it counts, and the new replicas."""

    replicas: int
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who is to leave: pods, and replicas that were asked for and have no pod yet.

    awaited: the ordinals of those, or as many numbers where there are no ordinals.
    """

    pods: Sequence[Pod]
    awaited: Collection[int] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of the pods."""
        return frozenset(pod.name for pod in self.pods)


def shrink(
    workload: Workload, pods: Sequence[Pod], leaving: Leaving, *, all_alike: bool = False
) -> Shrink:
    """How to let exactly these leave. Raises TargetConflict, which says why that cannot be.

    pods: all of the workload. all_alike: none of them runs tasks, so that any may go where nobody
    can choose.
    """
    live = [pod for pod in pods if pod.live]
    if workload.ordered:
        return Shrink(_without_highest(workload, live, leaving))
    others = [pod for pod in live if pod.name not in leaving.names]
    cost = None
    if all(pod.owner.kind == REPLICA_SET for pod in live):
        cost = _cost(workload, live, others, leaving)
    elif others and not all_alike:
        raise TargetConflict(
            f"{workload.kind} {workload.name} makes its pods itself and cannot be told which of "
            f"them to delete: it shrinks when all {len(live)} of them are drained, or by hand"
        )
    wanted = workload.scale.replicas
    going = max(0, len(live) - wanted)  # lowered already, and not yet carried out
    gone = max(0, len(leaving.pods) + len(leaving.awaited) - going)
    return Shrink(max(0, wanted - gone), cost)


def _cost(workload: Workload, live: Sequence[Pod], others: Sequence[Pod], leaving: Leaving) -> int:
    """A cost below all others', where it decides. A ReplicaSet deletes, before any with a cost:

    who is not on a node, then who is pending, then who is not ready (its documented order).
    """
    if workload.rollout or len({pod.owner.uid for pod in live}) > 1:
        why = workload.rollout or "its pods are of two ReplicaSets"
        raise TargetConflict(f"{workload.name} is not lowered: {why}, so who leaves is not ours")
    cost = min([0, *(pod.cost for pod in others)]) - 1
    if cost < LEAST_COST:
        raise TargetConflict(f"a pod of {workload.name} has the least deletion cost there is")
    last = max((_rank(pod, cost) for pod in leaving.pods), default=None)
    first = min(others, key=lambda pod: _rank(pod, pod.cost), default=None)
    if first is not None and last is not None and _rank(first, first.cost) < last:
        state = first.condition or ("not ready" if not first.ready else first.status)
        raise TargetConflict(
            f"{first.name} is {state}: the ReplicaSet would delete it before the drained ones; "
            "they wait until it is ready or gone"
        )
    return cost


def _rank(pod: Pod, cost: int) -> tuple[bool, int, bool, int]:
    """Who is lower is deleted earlier."""
    return bool(pod.node), _STATUSES.get(pod.status, 2), pod.ready, cost


def _without_highest(workload: Workload, live: Sequence[Pod], leaving: Leaving) -> int:
    """The replicas left when these go, which must be the highest ordinals there are."""
    first, replicas = workload.first_ordinal, workload.scale.replicas
    going = {pod.ordinal for pod in leaving.pods} | set(leaving.awaited)
    inside = {n for n in going if n is not None and n < first + replicas}
    while first + replicas - 1 in inside:
        replicas -= 1
        inside.remove(first + replicas)
    if inside:
        top = f"{workload.name}-{first + replicas - 1}"
        waiting = ", ".join(f"{workload.name}-{n}" for n in sorted(inside))
        raise TargetConflict(f"{waiting} cannot leave: {top} has the highest ordinal, and stays")
    return replicas

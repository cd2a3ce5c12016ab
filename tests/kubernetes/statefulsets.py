"""StatefulSets: pods by ordinal, made from the lowest up and deleted from the highest down."""

from __future__ import annotations

from tests.kubernetes.api import Api
from tests.kubernetes.kinds import Item
from tests.kubernetes.owned import active, delete, make_pod, owned, set_status
from tests.kubernetes.victims import is_ready


def reconcile(api: Api, item: Item) -> None:
    """One step. OrderedReady does one thing at a time, Parallel all at once."""
    spec, name = item["spec"], item["metadata"]["name"]
    first = (spec.get("ordinals") or {}).get("start", 0)
    there = {ordinal_of(pod): pod for pod in owned(api, item)}
    wanted = range(first, first + spec["replicas"])
    parallel = spec["podManagementPolicy"] == "Parallel"
    for pod in there.values():
        if pod["status"].get("phase") in ("Failed", "Succeeded"):
            delete(api, pod)
    for number in wanted:
        pod = there.get(number)
        if pod is None:
            make_pod(api, item, f"{name}-{number}")
        if not parallel and (pod is None or not _healthy(pod)):
            break
    else:
        _shrink(api, [there[n] for n in sorted(there, reverse=True) if n not in wanted], parallel)
    pods = owned(api, item)
    ready = sum(map(is_ready, pods))
    set_status(
        api, item, replicas=len(pods), readyReplicas=ready, availableReplicas=ready,
        currentReplicas=len(pods), updatedReplicas=len(pods),
    )  # fmt: skip


def ordinal_of(pod: Item) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _shrink(api: Api, surplus: list[Item], parallel: bool) -> None:
    """The highest first; the next one only when it is gone."""
    for pod in surplus:
        if active(pod):
            delete(api, pod)
        if not parallel:
            return


def _healthy(pod: Item) -> bool:
    return active(pod) and is_ready(pod)

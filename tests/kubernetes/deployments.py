"""Deployments: one ReplicaSet for each template, and rollouts from one to the next."""

from __future__ import annotations

import copy
import hashlib
import json
import math

from tests.kubernetes.api import Api
from tests.kubernetes.kinds import BY_PLURAL, Item
from tests.kubernetes.owned import CONTROLLER, active, key_of, owned, reference_to, set_status
from tests.kubernetes.ownership import Author

HASH = "pod-template-hash"


def reconcile(api: Api, item: Item) -> None:
    """Scale its ReplicaSets, and say how far it is."""
    sets = owned(api, item, "replicasets")
    digest = _digest(item)
    newest = next((one for one in sets if one["metadata"]["labels"][HASH] == digest), None)
    if newest is None:
        if item["spec"].get("paused"):
            return
        newest = _make(api, item, digest)
        sets = [*sets, newest]
    older = [one for one in sets if one is not newest]
    wanted = item["spec"]["replicas"]
    if not any(one["spec"]["replicas"] for one in older):
        _scale(api, newest, wanted)
    elif not item["spec"].get("paused"):
        _roll(api, item, newest, older)
    _tell(api, item, digest)


def _roll(api: Api, item: Item, newest: Item, older: list[Item]) -> None:
    strategy, wanted = item["spec"]["strategy"], item["spec"]["replicas"]
    if strategy["type"] == "Recreate":
        for one in older:
            _scale(api, one, 0)
        if not any(owned(api, one) for one in older):
            _scale(api, newest, wanted)
        return
    rolling = strategy.get("rollingUpdate") or {}
    surge = _part(rolling.get("maxSurge", "25%"), wanted, math.ceil)
    missing = _part(rolling.get("maxUnavailable", "25%"), wanted, math.floor)
    if not surge and not missing:
        missing = 1
    old_replicas = sum(one["spec"]["replicas"] for one in older)
    room = max(newest["spec"]["replicas"], wanted + surge - old_replicas)
    _scale(api, newest, min(wanted, room))
    available = sum(_status(one, "availableReplicas") for one in [newest, *older])
    spare = available - (wanted - missing)
    for one in older:
        down = max(0, min(one["spec"]["replicas"], spare))
        unready = one["spec"]["replicas"] - _status(one, "availableReplicas")
        spare -= max(0, down - unready)
        _scale(api, one, one["spec"]["replicas"] - down)


def _make(api: Api, item: Item, digest: str) -> Item:
    template = copy.deepcopy(item["spec"]["template"])
    labels = {**template["metadata"]["labels"], HASH: digest}
    template["metadata"]["labels"] = labels
    selector = copy.deepcopy(item["spec"]["selector"])
    selector["matchLabels"] = {**selector.get("matchLabels", {}), HASH: digest}
    metadata = {"name": f"{item['metadata']['name']}-{digest}", "labels": labels}
    metadata |= {"namespace": item["metadata"]["namespace"]}
    made = {
        "metadata": {**metadata, "ownerReferences": [reference_to(item)]},
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }
    return api.create(BY_PLURAL["replicasets"], made, Author(CONTROLLER))


def _scale(api: Api, one: Item, replicas: int) -> None:
    api.change(key_of(one), lambda made: made["spec"].update(replicas=replicas), Author(CONTROLLER))


def _tell(api: Api, item: Item, digest: str) -> None:
    sets = owned(api, item, "replicasets")
    newest = [one for one in sets if one["metadata"]["labels"][HASH] == digest]
    pods = [pod for one in sets for pod in owned(api, one) if active(pod)]
    ready = sum(_status(one, "readyReplicas") for one in sets)
    set_status(
        api,
        api.get(key_of(item)),
        replicas=len(pods),
        updatedReplicas=sum(_status(one, "replicas") for one in newest),
        readyReplicas=ready,
        availableReplicas=ready,
        unavailableReplicas=max(0, item["spec"]["replicas"] - ready),
    )


def _status(one: Item, name: str) -> int:
    return int((one.get("status") or {}).get(name, 0))


def _digest(item: Item) -> str:
    text = json.dumps(item["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:9]


def _part(value: int | str, of: int, rounded: object) -> int:
    if isinstance(value, int):
        return value
    assert callable(rounded)
    return int(rounded(int(value.removesuffix("%")) * of / 100))

"""What all controllers do with the pods that they own."""

from __future__ import annotations

import contextlib
import copy
import secrets

from tests.kubernetes.api import Api
from tests.kubernetes.kinds import BY_NAME, BY_PLURAL, Item, Key
from tests.kubernetes.ownership import Author
from tests.kubernetes.refusals import Refused

CONTROLLER = "kube-controller-manager"
PODS = BY_PLURAL["pods"]


def owner_of(item: Item) -> str:
    """The uid of its controller, or ""."""
    references = item["metadata"].get("ownerReferences") or ()
    return next((str(one["uid"]) for one in references if one.get("controller")), "")


def active(pod: Item) -> bool:
    """Whether its controller counts it."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and "deletionTimestamp" not in pod["metadata"]


def owned(api: Api, owner: Item, plural: str = "pods") -> list[Item]:
    """Those of its namespace that it controls."""
    uid = owner["metadata"]["uid"]
    found = api.store.list(plural, owner["metadata"].get("namespace", ""))
    return [item for item in found if owner_of(item) == uid]


def make_pod(api: Api, owner: Item, name: str = "") -> None:
    """One pod by the template of its owner, refused where a name is still taken."""
    template = copy.deepcopy(owner["spec"]["template"])
    metadata = template.setdefault("metadata", {})
    metadata["namespace"] = owner["metadata"]["namespace"]
    metadata["name"] = name or f"{owner['metadata']['name']}-{secrets.token_hex(3)[:5]}"
    metadata["ownerReferences"] = [reference_to(owner)]
    with contextlib.suppress(Refused):
        api.create(PODS, template, Author(CONTROLLER))


def reference_to(owner: Item) -> Item:
    facts = {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
    facts |= {name: owner["metadata"][name] for name in ("name", "uid")}
    return {**facts, "controller": True, "blockOwnerDeletion": True}


def key_of(item: Item) -> Key:
    kind = BY_NAME[item["kind"]]
    return kind.table, item["metadata"].get("namespace", ""), item["metadata"]["name"]


def delete(api: Api, item: Item) -> None:
    """With its own grace, unless it is gone already."""
    with contextlib.suppress(Refused):
        api.delete(key_of(item), {"preconditions": {"uid": item["metadata"]["uid"]}})


def set_status(api: Api, item: Item, **status: object) -> None:
    """Zeros are left out, as the server leaves them out; replicas only of a Deployment."""
    kept = () if item["kind"] == "Deployment" else ("replicas",)
    shown = {name: value for name, value in status.items() if value or name in kept}
    shown["observedGeneration"] = item["metadata"]["generation"]
    api.change(key_of(item), lambda made: made.update(status=shown), Author(CONTROLLER, "status"))

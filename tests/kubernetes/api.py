"""What the verbs of the API do to the objects, for requests and for controllers alike."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from autoscaler.clock import Clock
from tests.kubernetes import refusals
from tests.kubernetes.apply import applied, owned_after_apply
from tests.kubernetes.defaults import completed, defaulted
from tests.kubernetes.kinds import BY_PLURAL, Item, Key, Kind, key_of
from tests.kubernetes.ownership import Author, entries_of, recorded
from tests.kubernetes.resizes import resized
from tests.kubernetes.selectors import text_of
from tests.kubernetes.store import Store
from tests.kubernetes.times import restamped, stamp
from tests.kubernetes.validation import refuse_changes, refuse_new, refuse_values

Change = Callable[[Item], Any]


class Api:
    """Raises Refused. Every write is one step: nothing happens between its reading and writing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now: Callable[[], float] = Clock().now

    def get(self, key: Key) -> Item:
        found = self.store.get(key)
        if found is None:
            raise refusals.not_found(BY_PLURAL[key[0]], key[2])
        return found

    def create(self, kind: Kind, item: Item, author: Author, config: Item | None = None) -> Item:
        """A new object. Its status is not taken from who creates it. config: what was applied."""
        made = defaulted(kind, copy.deepcopy(item))
        metadata = made["metadata"] = _pruned(made["metadata"])
        if "name" not in metadata and "generateName" in metadata:
            metadata["name"] = f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
        refuse_new(kind, made)
        key = key_of(kind, made)
        if self.store.get(key) is not None:
            raise refusals.exists(kind, key[2])
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": stamp(self.now())}
        if kind.group and kind.name not in ("Lease", "PodMetrics"):
            metadata["generation"] = 1
        metadata["managedFields"] = self._owners(kind, {}, made, author, config)
        return self.store.put(key, made)

    def change(self, key: Key, change: Change, author: Author) -> Item:
        """What a controller does: read, change, write."""
        made = copy.deepcopy(self.get(key))
        change(made)
        return self.write(key, made, author)

    def apply(self, key: Key, config: Item, author: Author, *, force: bool = False) -> Item:
        """Server-side apply, which creates what is not there."""
        before = self.store.get(key)
        if before is None and not author.subresource:
            return self.create(BY_PLURAL[key[0]], config, author, config)
        made = applied(self.get(key), config, author, force=force)
        made["metadata"]["resourceVersion"] = config.get("metadata", {}).get("resourceVersion")
        return self.write(key, made, author, config)

    def write(self, key: Key, made: Item, author: Author, config: Item | None = None) -> Item:
        """Replace an object if its resourceVersion, where one is given, is still the same."""
        kind, before = BY_PLURAL[key[0]], self.get(key)
        made = completed(kind, _through(kind, before, made, author.subresource))
        metadata = made["metadata"]
        version = before["metadata"]["resourceVersion"]
        if metadata.get("resourceVersion") not in (None, "", version):
            raise refusals.conflict(kind, key[2])
        refuse_changes(kind, before, made, author.subresource)
        metadata |= {"resourceVersion": version}
        metadata["managedFields"] = entries_of(before)
        if config is not None:
            metadata["managedFields"] = self._owners(kind, before, made, author, config)
        if made == before:
            return before
        if "generation" in before["metadata"] and made.get("spec") != before.get("spec"):
            metadata["generation"] = before["metadata"]["generation"] + 1
        metadata["managedFields"] = self._owners(kind, before, made, author, config)
        written = self.store.put(key, made)
        return self.store.remove(key) if _may_go(made) else written

    def read_scale(self, key: Key) -> Item:
        return _scale_of(key, self.get(key))

    def write_scale(self, key: Key, scale: Item, author: Author) -> Item:
        """Only the replicas are taken over. A resourceVersion or uid in it is a precondition."""
        kind, before = BY_PLURAL[key[0]], self.get(key)
        metadata = scale.get("metadata") or {}
        self.refuse_other_uid(key, metadata.get("uid"))
        made = copy.deepcopy(before)
        made.setdefault("spec", {})["replicas"] = (scale.get("spec") or {}).get("replicas", 0)
        made["metadata"]["resourceVersion"] = metadata.get("resourceVersion")
        refuse_values(kind, made)
        return _scale_of(key, self.write(key, made, author))

    def apply_scale(self, key: Key, config: Item, author: Author, *, force: bool = False) -> Item:
        """What is applied to the scale is applied to the object itself."""
        self.refuse_other_uid(key, (config.get("metadata") or {}).get("uid"))
        wanted = {name: config[name] for name in ("metadata", "spec") if name in config}
        return _scale_of(key, self.apply(key, wanted, author, force=force))

    def refuse_other_uid(self, key: Key, uid: str | None) -> None:
        """Raises Refused (409) when another object is meant, of the same name."""
        there = self.get(key)["metadata"]["uid"]
        if uid not in (None, "", there):
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {there}"
            raise refusals.conflict(BY_PLURAL[key[0]], key[2], why)

    def delete(self, key: Key, options: Mapping[str, Any]) -> Item | None:
        """None when it is gone; the object when it takes its time, as pods that run do."""
        kind, item = BY_PLURAL[key[0]], self.get(key)
        for name, wanted in (options.get("preconditions") or {}).items():
            field = "uid" if name == "uid" else "resourceVersion"
            if wanted not in (None, item["metadata"][field]):
                why = f"Precondition failed: {name} in precondition: {wanted}"
                raise refusals.conflict(kind, key[2], why)
        grace = _grace(kind, item, options.get("gracePeriodSeconds"))
        before = item["metadata"].get("deletionGracePeriodSeconds")
        if grace == 0 and not item["metadata"].get("finalizers"):
            self.store.remove(key)
            return None
        if before is not None and grace >= before:
            return item
        made = copy.deepcopy(item)
        made["metadata"]["deletionTimestamp"] = stamp(self.now() + grace)
        made["metadata"]["deletionGracePeriodSeconds"] = grace
        return self.store.put(key, made)

    def _owners(
        self, kind: Kind, before: Item, made: Item, author: Author, config: Item | None
    ) -> list[Item]:
        now = stamp(self.now())
        if config is None:
            return recorded(kind, before, made, author, now)
        return owned_after_apply(kind, before, config, author, now)


def _through(kind: Kind, before: Item, made: Item, subresource: str) -> Item:
    """What a write through one endpoint can change."""
    parts = {**made}
    if subresource == "status":
        parts = {**before, "status": made.get("status"), "metadata": {**before["metadata"]}}
        parts["metadata"]["resourceVersion"] = made["metadata"].get("resourceVersion")
    elif subresource == "resize":
        parts = resized(before, made)
    elif "status" in kind.subresources:
        parts.pop("status", None)
        parts |= {"status": before["status"]} if "status" in before else {}
    parts["metadata"] = _pruned(parts["metadata"])
    for name in ("uid", "creationTimestamp", "generation", "deletionTimestamp",
                 "deletionGracePeriodSeconds", "namespace"):  # fmt: skip
        if name in before["metadata"]:
            parts["metadata"].setdefault(name, before["metadata"][name])
    for name in ("creationTimestamp", "deletionTimestamp"):
        if name in parts["metadata"]:
            parts["metadata"][name] = restamped(parts["metadata"][name])
    return parts


def _pruned(metadata: Item) -> Item:
    """Empty maps and lists are left out."""
    return {name: value for name, value in metadata.items() if value not in ({}, [], None)}


def _may_go(item: Item) -> bool:
    """Whether it has only waited for what has now come to pass."""
    metadata = item["metadata"]
    waits = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return "deletionTimestamp" in metadata and not waits


def _grace(kind: Kind, item: Item, asked: int | None) -> int:
    """Seconds. A pod that is on no node, or has ended, needs none."""
    if kind.plural != "pods" or not item["spec"].get("nodeName"):
        return 0
    if (item.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
        return 0
    return int(item["spec"]["terminationGracePeriodSeconds"] if asked is None else asked)


def _scale_of(key: Key, item: Item) -> Item:
    """The scale subresource; zero replicas are left out of it."""
    metadata = item["metadata"]
    replicas = (item.get("spec") or {}).get("replicas", 0)
    status = item.get("status") or {}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": status.get("replicas", 0), **_selected(key, item)},
    }


def _selected(key: Key, item: Item) -> dict[str, str]:

    if key[0] in ("deployments", "replicasets", "statefulsets"):
        return {"selector": text_of(item["spec"]["selector"])}
    selector = (item.get("status") or {}).get("selector")
    return {"selector": selector} if selector else {}

"""The objects of a small API server: versions, selectors, merge patches, history for watches."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from autoscaler.clock import Clock

Key = tuple[str, str, str]
Item = dict[str, Any]


class Refused(Exception):  # noqa: N818 - a Status
    """A Status that is no success."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class Objects:
    """Every object by (plural, namespace, name), with one counter of versions for all."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 100
        self.items: dict[Key, Item] = {}
        self.events: list[tuple[int, str, str, Item]] = []
        self.changed = asyncio.Condition()
        self._telling: asyncio.Task[None] | None = None
        self.after_change: Callable[[], None] = lambda: None

    def now(self) -> str:
        return datetime.fromtimestamp(Clock().now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def create(self, plural: str, item: Mapping[str, Any], manager: str = "kubectl") -> Item:
        made = copy.deepcopy(dict(item))
        metadata = made["metadata"]
        key = (plural, metadata.get("namespace", ""), metadata["name"])
        if key in self.items:
            raise Refused(409, "AlreadyExists", f"{key[2]} exists")
        metadata.setdefault("uid", f"uid-{self.version}-{metadata['name']}")
        metadata.setdefault("creationTimestamp", self.now())
        metadata["generation"] = 1
        self._own_replicas({}, made, manager, "")
        return self._write("ADDED", key, made)

    def update(
        self, key: Key, change: Callable[[Item], None], manager: str = "", sub: str = ""
    ) -> Item:
        """Change one in place; nothing is written where nothing changes."""
        before = self.get(key)
        made = copy.deepcopy(before)
        change(made)
        if made == before:
            return before
        if made.get("spec") != before.get("spec"):
            made["metadata"]["generation"] += 1
            self._own_replicas(before, made, manager, sub)
        return self._write("MODIFIED", key, made)

    def get(self, key: Key) -> Item:
        if key not in self.items:
            raise Refused(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        return self.items[key]

    def delete(self, key: Key) -> None:
        item = copy.deepcopy(self.get(key))
        del self.items[key]
        self._write("DELETED", key, item)

    def choose(self, plural: str, namespace: str, query: Mapping[str, str]) -> list[Item]:
        keys = (key for key in sorted(self.items) if key[:2] == (plural, namespace))
        return [self.items[key] for key in keys if fits(self.items[key], query)]

    def expire(self) -> None:
        """Forget all history, as etcd's compaction does."""
        self.version += 1
        self.oldest = self.version
        self.events = []

    def _write(self, kind: str, key: Key, item: Item) -> Item:
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        if kind != "DELETED":
            self.items[key] = item
        self.events.append((self.version, f"{key[0]}/{key[1]}", kind, copy.deepcopy(item)))
        self._telling = asyncio.get_running_loop().create_task(self._tell())
        self.after_change()
        return item

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def _own_replicas(self, before: Item, after: Item, manager: str, sub: str) -> None:
        replicas = (after.get("spec") or {}).get("replicas")
        if replicas == (before.get("spec") or {}).get("replicas"):
            return
        entry = {"manager": manager, "operation": "Update", "time": self.now()}
        entry |= {"subresource": sub} if sub else {}
        after["metadata"]["managedFields"] = [{**entry, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]


def fits(item: Item, query: Mapping[str, str]) -> bool:
    metadata = item["metadata"]
    field = query.get("fieldSelector", "")
    if field and field != f"metadata.name={metadata['name']}":
        return False
    wanted = [part.split("=") for part in query.get("labelSelector", "").split(",") if part]
    labels = metadata.get("labels") or {}
    return all(labels.get(name) == value for name, value in wanted)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merge(made.get(name), value)
    return made


def refuse_moved(item: Item, patch: Mapping[str, Any]) -> None:
    """The preconditions that a patch may carry."""
    for name in ("resourceVersion", "uid"):
        wanted = (patch.get("metadata") or {}).get(name)
        if wanted is not None and wanted != item["metadata"][name]:
            raise Refused(409, "Conflict", "the object has been modified")


def lines(events: list[tuple[str, Item]]) -> Iterator[bytes]:
    for kind, item in events:
        yield json.dumps({"type": kind, "object": item}).encode() + b"\n"

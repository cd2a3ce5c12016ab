"""Every object and its history under one growing resourceVersion, as etcd keeps them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.kubernetes.kinds import Item, Key
from tests.kubernetes.refusals import expired

MOST_KEPT = 20_000
Listener = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """One change. type: ADDED, MODIFIED or DELETED. before: what it was; None if it was not."""

    version: int
    type: str
    key: Key
    item: Item
    before: Item | None


class Store:
    """Objects that are given away are to be read only; whoever changes one copies it first."""

    def __init__(self) -> None:
        self.version = 1
        self.oldest = 1
        self.listeners: set[Listener] = set()
        self._items: defaultdict[str, dict[Key, Item]] = defaultdict(dict)
        self._events: list[Event] = []

    def get(self, key: Key) -> Item | None:
        return self._items[key[0]].get(key)

    def copy(self, key: Key) -> Item | None:
        """One that may be changed."""
        return copy.deepcopy(self.get(key))

    def list(self, plural: str, namespace: str = "") -> list[Item]:
        """All of a kind, in the order of their keys; namespace "": of every namespace."""
        items = self._items[plural]
        return [items[key] for key in sorted(items) if namespace in ("", key[1])]

    def put(self, key: Key, item: Item) -> Item:
        """Write an object and give it the next version."""
        before = self.get(key)
        return self._record("MODIFIED" if before else "ADDED", key, item, before)

    def remove(self, key: Key) -> Item:
        before = self._items[key[0]][key]
        return self._record("DELETED", key, copy.deepcopy(before), before)

    def since(self, version: int) -> Iterator[Event]:
        """What happened after a version. Raises Refused (410) when that is no longer known."""
        if version < self.oldest:
            raise expired(version, self.oldest)
        first = len(self._events)
        while first and self._events[first - 1].version > version:
            first -= 1
        return iter(self._events[first:])

    def compact(self) -> None:
        """Forget all history: every version that was given out so far has expired."""
        self.version += 1
        self.oldest = self.version
        self._events.clear()

    def _record(self, type_: str, key: Key, item: Item, before: Item | None) -> Item:
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)
        if type_ == "DELETED":
            del self._items[key[0]][key]
        else:
            self._items[key[0]][key] = item
        event = Event(self.version, type_, key, item, before)
        self._events.append(event)
        if len(self._events) > MOST_KEPT:
            self._events = self._events[MOST_KEPT // 2 :]
            self.oldest = self._events[0].version
        for listener in tuple(self.listeners):
            listener(event)
        return item


class Rehearsal(Store):
    """Reads what is there, and forgets what is written: for dryRun=All."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._items = store._items

    def _record(self, type_: str, key: Key, item: Item, before: Item | None) -> Item:
        return item

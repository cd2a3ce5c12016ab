"""The controllers: ReplicaSets, Deployments, custom resources, and the garbage collector."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.kubernetes import deployments, statefulsets
from tests.kubernetes.api import Api
from tests.kubernetes.kinds import Item
from tests.kubernetes.owned import active, delete, make_pod, owned, owner_of, set_status
from tests.kubernetes.store import Event
from tests.kubernetes.victims import in_order, is_ready

_COLLECTED = ("pods", "replicasets")
_OWNERS = ("deployments", "replicasets", "statefulsets", "clusters")


class Controllers:
    """Work soon after each change, unless asleep.

    delay_seconds: how long after. quota: the most pods that there may be. deletes False: nothing
    is deleted for having become too many, as if the controller hung. tells_selector: whether custom
    scales have one. Whoever changes these later calls `wake`.
    """

    def __init__(self, api: Api) -> None:
        self.asleep = False
        self.deletes = True
        self.delay_seconds = 0.0
        self.quota: int | None = None
        self.tells_selector = True
        self._api = api
        self._woken = asyncio.Event()
        self._changed: set[str] = set()
        self._cached: dict[str, Item] = {}
        self._orphans = False
        api.store.listeners.add(self._noticed)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(self.delay_seconds)
            self._woken.clear()
            if not self.asleep:
                self.step()

    def wake(self) -> None:
        """Look at everything anew."""
        self.asleep = False
        self._changed.update(
            item["metadata"]["uid"] for plural in _OWNERS for item in self._api.store.list(plural)
        )
        self._woken.set()

    def fall_behind(self) -> None:
        """From now on who leaves is chosen by what pods are at this moment.

        A controller learns of pods and of workloads by two watches: what is written first may be
        seen last.
        """
        self._cached = {pod["metadata"]["uid"]: pod for pod in self._api.store.list("pods")}

    def catch_up(self) -> None:
        self._cached = {}

    def _noticed(self, event: Event) -> None:
        """What changed, and what it belongs to, is looked at; nothing else costs time."""
        if event.key[0] in (*_COLLECTED, *_OWNERS):
            self._changed |= {event.item["metadata"]["uid"], owner_of(event.item)}
            self._orphans |= event.type == "DELETED"
            self._woken.set()

    def step(self) -> None:
        """Bring what changed one step nearer to what is wanted."""
        changed, self._changed = self._changed, set()
        work: dict[str, Callable[[Item], None]] = {
            "deployments": lambda item: deployments.reconcile(self._api, item),
            "replicasets": self._replicas,
            "statefulsets": lambda item: statefulsets.reconcile(self._api, item),
            "clusters": self._custom,
        }
        for plural, reconcile in work.items():
            for item in self._api.store.list(plural):
                if item["metadata"]["uid"] in changed:
                    reconcile(item)
        if self._orphans:
            self._orphans = False
            self._collect()

    def _replicas(self, item: Item) -> None:
        """As many active pods as wanted; who goes first is documented."""
        live = [pod for pod in owned(self._api, item) if active(pod)]
        wanted = item["spec"]["replicas"]
        if len(live) > wanted and self.deletes:
            related = [pod for one in self._siblings(item) for pod in owned(self._api, one)]
            crowd = [pod for pod in related if active(pod)]
            seen = [self._cached.get(pod["metadata"]["uid"], pod) for pod in live]
            for pod in in_order(seen, crowd, self._api.now())[: len(live) - wanted]:
                delete(self._api, pod)
        self._make(item, wanted - len(live))
        live = [pod for pod in owned(self._api, item) if active(pod)]
        ready = sum(map(is_ready, live))
        set_status(
            self._api, item, replicas=len(live), readyReplicas=ready, availableReplicas=ready
        )

    def _custom(self, item: Item) -> None:
        """A controller that takes the newest pods away, and cannot be told which."""
        live = [pod for pod in owned(self._api, item) if active(pod)]
        wanted = item["spec"].get("replicas", 0)
        newest = sorted(live, key=lambda pod: -int(pod["metadata"]["resourceVersion"]))
        if self.deletes:
            for pod in newest[: max(0, len(live) - wanted)]:
                delete(self._api, pod)
        self._make(item, wanted - len(live))
        labels = item["spec"]["template"]["metadata"]["labels"]
        selector = ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
        left = sum(map(active, owned(self._api, item)))
        told = {"selector": selector} if self.tells_selector else {}
        set_status(self._api, item, replicas=left, **told)

    def _make(self, owner: Item, number: int) -> None:
        for _ in range(number):
            if self.quota is None or len(self._api.store.list("pods")) < self.quota:
                make_pod(self._api, owner)

    def _siblings(self, item: Item) -> list[Item]:
        uid = owner_of(item)
        everyone = self._api.store.list("replicasets", item["metadata"]["namespace"])
        return [one for one in everyone if uid and owner_of(one) == uid] or [item]

    def _collect(self) -> None:
        """Delete what belongs to something that is gone."""
        there = {i["metadata"]["uid"] for plural in _OWNERS for i in self._api.store.list(plural)}
        for plural in _COLLECTED:
            for item in self._api.store.list(plural):
                if owner_of(item) and owner_of(item) not in there:
                    delete(self._api, item)

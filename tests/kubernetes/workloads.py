"""The controllers: ReplicaSets, Deployments, custom resources, and the garbage collector."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.kubernetes import deployments, statefulsets
from tests.kubernetes.api import Api
from tests.kubernetes.kinds import Item
from tests.kubernetes.owned import active, delete, make_pod, owned, owner_of, set_status
from tests.kubernetes.victims import in_order, is_ready

_COLLECTED = ("pods", "replicasets")


class Controllers:
    """Work soon after each change, unless asleep.

    delay_seconds: how long after. quota: the most pods that there may be. deletes False: nothing
    is deleted for having become too many, as if the controller hung.
    """

    def __init__(self, api: Api) -> None:
        self.asleep = False
        self.deletes = True
        self.delay_seconds = 0.0
        self.quota: int | None = None
        self._api = api
        self._woken = asyncio.Event()
        api.store.listeners.add(lambda _: self._woken.set())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(self.delay_seconds)
            self._woken.clear()
            if not self.asleep:
                self.step()

    def wake(self) -> None:
        self.asleep = False
        self._woken.set()

    def step(self) -> None:
        """Bring everything one step nearer to what is wanted."""
        work: dict[str, Callable[[Item], None]] = {
            "deployments": lambda item: deployments.reconcile(self._api, item),
            "replicasets": self._replicas,
            "statefulsets": lambda item: statefulsets.reconcile(self._api, item),
            "clusters": self._custom,
        }
        for plural, reconcile in work.items():
            for item in self._api.store.list(plural):
                reconcile(item)
        self._collect()

    def _replicas(self, item: Item) -> None:
        """As many active pods as wanted; who goes first is documented."""
        live = [pod for pod in owned(self._api, item) if active(pod)]
        wanted = item["spec"]["replicas"]
        if len(live) > wanted and self.deletes:
            related = [pod for one in self._siblings(item) for pod in owned(self._api, one)]
            crowd = [pod for pod in related if active(pod)]
            for pod in in_order(live, crowd, self._api.now())[: len(live) - wanted]:
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
        set_status(self._api, item, replicas=left, selector=selector)

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
        plurals = (*_COLLECTED, "deployments", "statefulsets", "clusters")
        there = {i["metadata"]["uid"] for plural in plurals for i in self._api.store.list(plural)}
        for plural in _COLLECTED:
            for item in self._api.store.list(plural):
                if owner_of(item) and owner_of(item) not in there:
                    delete(self._api, item)

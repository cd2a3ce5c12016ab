"""Binds pods to nodes that have room for them, or says why it cannot."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.kubernetes.api import Api
from tests.kubernetes.kinds import Item
from tests.kubernetes.owned import key_of
from tests.kubernetes.ownership import Author
from tests.kubernetes.times import stamp

AUTHOR = Author("kube-scheduler", "status")


class Scheduler:
    """asleep: pods stay on no node, and nothing is said of them."""

    def __init__(self, api: Api) -> None:
        self.asleep = False
        self._api = api
        self._woken = asyncio.Event()
        api.store.listeners.add(lambda _: self._woken.set())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            if not self.asleep:
                self._step()
            await asyncio.sleep(0)

    def wake(self) -> None:
        self.asleep = False
        self._woken.set()

    def _step(self) -> None:
        pods = self._api.store.list("pods")
        used = Counter(pod["spec"].get("nodeName", "") for pod in pods if not _ended(pod))
        for pod in pods:
            if pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
                continue
            if node := self._node_for(pod, used):
                used[node] += 1
                self._bind(pod, node)
            else:
                self._cannot(pod)

    def _node_for(self, pod: Item, used: Counter[str]) -> str:
        """Of those that fit, the one with the fewest pods."""
        selected = (pod["spec"].get("nodeSelector") or {}).items()
        found = []
        for node in self._api.store.list("nodes"):
            name, labels = node["metadata"]["name"], node["metadata"].get("labels") or {}
            room = int(node["status"]["allocatable"]["pods"]) - used[name]
            if selected <= labels.items() and room > 0 and not node["spec"].get("unschedulable"):
                found.append((used[name], name))
        return min(found)[1] if found else ""

    def _bind(self, pod: Item, node: str) -> None:
        made = self._api.store.copy(key_of(pod))
        assert made is not None
        made["spec"]["nodeName"] = node
        made["status"] = {"phase": "Pending", "conditions": [self._condition("True")]}
        self._api.store.put(key_of(pod), made)

    def _cannot(self, pod: Item) -> None:
        conditions = pod["status"].get("conditions") or ()
        if any(one["type"] == "PodScheduled" for one in conditions):
            return
        nodes = len(self._api.store.list("nodes"))
        told = {"reason": "Unschedulable", "message": f"0/{nodes} nodes are available."}
        status = {"phase": "Pending", "conditions": [{**self._condition("False"), **told}]}
        self._api.change(key_of(pod), lambda made: made.update(status=status), AUTHOR)

    def _condition(self, status: str) -> Item:
        now = stamp(self._api.now())
        return {"type": "PodScheduled", "status": status, "lastTransitionTime": now}


def _ended(pod: Item) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")

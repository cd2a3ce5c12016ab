"""The resize subresource: other resources for the containers of a pod that runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.kubernetes.kinds import Item
from tests.kubernetes.ownership import Author
from tests.kubernetes.store import Event

if TYPE_CHECKING:
    from tests.kubernetes.api import Api

AUTHOR = Author("kubelet", "status")
PENDING = "PodResizePending"
REASONS = ("Deferred", "Infeasible")


def resized(before: Item, made: Item) -> Item:
    """The pod as it was, but for the resources of its containers."""
    wanted = {one["name"]: one.get("resources") for one in made["spec"]["containers"]}
    spec = {**before["spec"], "containers": []}
    for one in before["spec"]["containers"]:
        resources = wanted.get(one["name"])
        spec["containers"].append({**one, "resources": resources} if resources else one)
    metadata = {**before["metadata"], "resourceVersion": made["metadata"].get("resourceVersion")}
    return {**before, "spec": spec, "metadata": metadata}


class Resizer:
    """What a kubelet does about it, soon after. refusal: one of REASONS, when it does not."""

    def __init__(self, api: Api) -> None:
        self.refusal = ""
        self._api = api
        self._due: dict[tuple[str, str, str], None] = {}
        self._woken = asyncio.Event()
        api.store.listeners.add(self._noticed)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            due, self._due = self._due, {}
            for key in due:
                if self._api.store.get(key) is not None:
                    self._api.change(key, self._done, AUTHOR)
            await asyncio.sleep(0)

    def _noticed(self, event: Event) -> None:
        if event.key[0] != "pods" or event.type != "MODIFIED" or event.before is None:
            return
        if _resources(event.item) != _resources(event.before):
            self._due[event.key] = None
            self._woken.set()

    def _done(self, pod: Item) -> None:
        status = pod["status"]
        kept = [one for one in status.get("conditions") or () if one["type"] != PENDING]
        if self.refusal:
            kept.append({"type": PENDING, "status": "True", "reason": self.refusal})
        else:
            wanted = _resources(pod)
            for one in status.get("containerStatuses") or ():
                resources = wanted[one["name"]]
                one |= {"resources": resources}
                one |= {"allocatedResources": (resources or {}).get("requests", {})}
        status["conditions"] = kept


def _resources(pod: Item) -> dict[str, Any]:
    return {one["name"]: one.get("resources") for one in pod["spec"]["containers"]}

"""PodDisruptionBudgets: how many of their pods may be evicted now."""

from __future__ import annotations

import asyncio
import math

from tests.kubernetes.api import Api
from tests.kubernetes.kinds import Item
from tests.kubernetes.owned import active, key_of, owner_of, set_status
from tests.kubernetes.selectors import parse_labels
from tests.kubernetes.victims import is_ready

BUDGETS = "poddisruptionbudgets"


class Budgets:
    """Counts anew soon after each change of a pod or a budget."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._woken = asyncio.Event()
        api.store.listeners.add(
            lambda event: self._woken.set() if event.key[0] in ("pods", BUDGETS) else None
        )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            for budget in self._api.store.list(BUDGETS):
                self._count(budget)
            await asyncio.sleep(0)

    def _count(self, budget: Item) -> None:
        pods = [pod for pod in covered(self._api, budget) if active(pod)]
        healthy, spec = sum(map(is_ready, pods)), budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._expected(pods)
            desired = max(0, expected - _part(spec["maxUnavailable"], expected))
        else:
            least = spec.get("minAvailable", 1)
            expected = len(pods) if isinstance(least, int) else self._expected(pods)
            desired = _part(least, expected)
        set_status(
            self._api,
            self._api.get(key_of(budget)),
            currentHealthy=healthy,
            desiredHealthy=desired,
            expectedPods=expected,
            disruptionsAllowed=max(0, healthy - desired),
        )

    def _expected(self, pods: list[Item]) -> int:
        """As many pods as their controllers want."""
        owners = {owner_of(pod) for pod in pods}
        found = (i for t in ("replicasets", "statefulsets") for i in self._api.store.list(t))
        return sum(i["spec"]["replicas"] for i in found if i["metadata"]["uid"] in owners)


def covered(api: Api, budget: Item) -> list[Item]:
    """The pods that it speaks of; an empty selector chooses all of its namespace."""
    fits = parse_labels(budget["spec"].get("selector"))
    return [pod for pod in api.store.list("pods", budget["metadata"]["namespace"]) if fits(pod)]


def _part(value: int | str, of: int) -> int:
    """Of percents, the next whole pod."""
    return value if isinstance(value, int) else math.ceil(int(value.removesuffix("%")) * of / 100)

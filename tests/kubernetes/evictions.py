"""The eviction subresource: a deletion that PodDisruptionBudgets may refuse."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.api import Api
from tests.kubernetes.budgets import BUDGETS, covered
from tests.kubernetes.kinds import Item, Key
from tests.kubernetes.owned import key_of
from tests.kubernetes.refusals import Refused
from tests.kubernetes.victims import is_ready

MANY = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "


def evict(api: Api, key: Key, eviction: Item) -> Item:
    """The Status of success. Raises Refused (404, 409, 429, 500)."""
    if eviction["metadata"].get("name", key[2]) != key[2]:
        raise Refused(400, "name in URL does not match name in Eviction object")
    pod = api.get(key)
    if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]:
        budgets = [b for b in api.store.list(BUDGETS, key[1]) if pod in covered(api, b)]
        if len(budgets) > 1:
            raise Refused(500, f"{MANY}support.")
        for budget in budgets:
            _take(api, pod, budget)
    api.delete(key, eviction.get("deleteOptions") or {})
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _take(api: Api, pod: Item, budget: Item) -> None:
    """One of its disruptions, unless the pod is not ready and enough others are."""
    status: dict[str, Any] = budget.get("status") or {}
    name, desired = budget["metadata"]["name"], status.get("desiredHealthy", 0)
    healthy = status.get("currentHealthy", 0)
    if not is_ready(pod):
        always = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if always or healthy >= desired > 0:
            return
    if status.get("observedGeneration", 0) < budget["metadata"]["generation"]:
        why, wait = f"The disruption budget {name} is still being processed by the server.", 10
    elif status.get("disruptionsAllowed", 0) <= 0:
        why = (
            f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
        )
        wait = 0
    else:
        taken = {
            **budget,
            "status": {**status, "disruptionsAllowed": status["disruptionsAllowed"] - 1},
        }
        api.store.put(key_of(budget), {**taken, "metadata": {**budget["metadata"]}})
        return
    cause = {"reason": "DisruptionBudget", "message": why}
    details: dict[str, object] = {"causes": [cause]}
    details |= {"retryAfterSeconds": wait} if wait else {}
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    raise Refused(429, message, **details)

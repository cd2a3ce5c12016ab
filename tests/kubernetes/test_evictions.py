"""Evictions, budgets, drains and resizes, which need pods that run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.clients.kubernetes.login import Login
from autoscaler.clients.kubernetes.official import open_client
from tests.kubernetes.cluster import NAMESPACE, Cluster
from tests.kubernetes.drain import drain
from tests.kubernetes.kinds import Item
from tests.kubernetes.plane import STRICT, Plane
from tests.kubernetes.test_cluster import ready
from tests.servers import eventually


@pytest.fixture
async def api(made: Cluster, tmp_path: Path) -> AsyncIterator[Plane]:
    client = await open_client(Login(made.kubeconfig(tmp_path), None))
    yield Plane(client, NAMESPACE)
    await client.close()


async def evict(api: Plane, name: str, **options: object) -> tuple[int, Item]:
    body = {"metadata": {"name": name}, "apiVersion": "policy/v1", "kind": "Eviction"}
    body |= {"deleteOptions": options} if options else {}
    answer = await api.ask("POST", api.path("Pod", name, "eviction"), body, STRICT)
    return answer.status, answer.body


async def allowed(made: Cluster, number: int) -> None:
    def counted() -> bool:
        status = made.get("poddisruptionbudgets", "least").get("status") or {}
        return status.get("disruptionsAllowed", 0) == number and "observedGeneration" in status

    await eventually(counted, f"{number} evictions allowed")


async def test_an_evicted_pod_gets_its_grace_and_is_replaced(made: Cluster, api: Plane) -> None:
    made.deployment("worker", 2)
    first, second = await ready(made, 2)
    status, body = await evict(api, first)
    assert (status, body["status"]) == (201, "Success")
    assert "deletionTimestamp" not in made.get("pods", second)["metadata"]
    assert first not in await ready(made, 2)


@pytest.mark.parametrize(
    ("spec", "least"), [({"minAvailable": 2}, 2), ({"maxUnavailable": "34%"}, 1)]
)
async def test_a_budget_refuses_with_429(made: Cluster, api: Plane, spec: Item, least: int) -> None:
    made.deployment("worker", 3)
    made.budget("least", **spec)
    names = await ready(made, 3)
    await allowed(made, 3 - least)
    made.controllers.asleep = True
    for name in names[: 3 - least]:
        assert (await evict(api, name))[0] == 201
    status, body = await evict(api, names[-1])
    assert (status, body["reason"]) == (429, "TooManyRequests")
    assert "would violate the pod's disruption budget" in body["message"]
    [cause] = body["details"]["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert (await evict(api, names[-1], dryRun=["All"]))[0] == 429


async def test_what_is_not_ready_may_go_when_enough_others_are(made: Cluster, api: Plane) -> None:
    made.deployment("worker", 3)
    made.budget("least", minAvailable=2)
    names = await ready(made, 3)
    made.controllers.asleep = True
    made.kubelet.set_ready(NAMESPACE, names[0], ready=False)
    await allowed(made, 0)
    assert (await evict(api, names[1]))[0] == 429
    assert (await evict(api, names[0]))[0] == 201


async def test_two_budgets_over_one_pod_are_an_error(made: Cluster, api: Plane) -> None:
    made.deployment("worker", 1)
    made.budget("least", minAvailable=0)
    made.budget("most", maxUnavailable=1)
    [name] = await ready(made, 1)
    status, body = await evict(api, name)
    assert status == 500
    assert "more than one PodDisruptionBudget" in body["message"]


async def test_a_drained_node_is_left_by_all_that_may_go(made: Cluster) -> None:
    made.node("node-2", zone="b", spot=True)
    made.deployment("worker", 4)
    made.budget("least", minAvailable=3)
    await ready(made, 4)
    await allowed(made, 1)
    assert len(drain(made, "node-1")) == 1
    await eventually(lambda: not drain(made, "node-1"), "an empty node")
    assert {pod["spec"]["nodeName"] for pod in made.pods() if pod["metadata"]["name"] in
            await ready(made, 4)} == {"node-2"}  # fmt: skip
    made.cordon("node-1", unschedulable=False)
    assert not made.get("nodes", "node-1", "")["spec"].get("unschedulable")


RESOURCES = {"requests": {"cpu": "2", "memory": "1Gi"}}
BODY = {"spec": {"containers": [{"name": "worker", "resources": RESOURCES}]}}
STRATEGIC = "application/strategic-merge-patch+json"


async def test_a_running_pod_is_resized_in_place(made: Cluster, api: Plane) -> None:
    made.deployment("worker", 1)
    [name] = await ready(made, 1)
    answer = await api.patch("Pod", name, BODY, "", STRATEGIC)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    answer = await api.patch("Pod", name, BODY, "resize", STRATEGIC)
    assert answer.status == 200, answer.body
    assert answer.body["spec"]["containers"][0]["resources"] == RESOURCES

    def done() -> bool:
        [container] = made.get("pods", name)["status"]["containerStatuses"]
        return container.get("allocatedResources") == RESOURCES["requests"]

    await eventually(done, "resources that the container has")


async def test_a_resize_of_a_pod_that_changed_meanwhile_is_refused(
    made: Cluster, api: Plane
) -> None:
    made.deployment("worker", 1)
    [name] = await ready(made, 1)
    before = made.get("pods", name)["metadata"]
    metadata = {key: before[key] for key in ("uid", "resourceVersion")}
    made.annotate("pods", name, **{"example.com/note": "changed"})
    answer = await api.patch("Pod", name, {"metadata": metadata, **BODY}, "resize", STRATEGIC)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    now = made.get("pods", name)["metadata"]["resourceVersion"]
    metadata = {**metadata, "resourceVersion": now}
    answer = await api.patch("Pod", name, {"metadata": metadata, **BODY}, "resize", STRATEGIC)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("why", ["Deferred", "Infeasible"])
async def test_a_resize_may_be_put_off(made: Cluster, api: Plane, why: str) -> None:
    made.resizer.refusal = why
    made.deployment("worker", 1)
    [name] = await ready(made, 1)
    await api.patch("Pod", name, BODY, "resize", STRATEGIC)

    def told() -> bool:
        conditions = made.get("pods", name)["status"]["conditions"]
        return ("PodResizePending", why) in {(c["type"], c.get("reason")) for c in conditions}

    await eventually(told, "the condition")
    [container] = made.get("pods", name)["status"]["containerStatuses"]
    assert "allocatedResources" not in container


async def test_metrics_are_read_only(made: Cluster, api: Plane) -> None:
    made.deployment("worker", 2)
    first, _ = await ready(made, 2)
    made.usage(first, worker=("250m", "300Mi"))
    found = await api.get("PodMetrics", first)
    assert found["containers"] == [{"name": "worker", "usage": {"cpu": "250m", "memory": "300Mi"}}]
    listed = await api.ask("GET", api.path("PodMetrics"), params={"labelSelector": "app=worker"})
    assert [item["metadata"]["name"] for item in listed.body["items"]] == [first]
    for method, params in (("DELETE", {}), ("GET", {"watch": "1"})):
        answer = await api.ask(method, api.path("PodMetrics", first), params=params)
        assert answer.status == 405

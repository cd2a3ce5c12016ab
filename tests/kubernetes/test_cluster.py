"""What the fake cluster does by itself: pods of workloads, their lives, and who leaves first."""

from __future__ import annotations

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.containers import Pretended
from tests.kubernetes.victims import COST, is_ready
from tests.servers import eventually


async def ready(cluster: Cluster, number: int, app: str = "worker") -> list[str]:
    def all_ready() -> bool:
        pods = cluster.pods(app)
        return len(pods) == number and all(map(is_ready, pods))

    await eventually(all_ready, f"{number} ready pods")
    return cluster.live(app)


async def test_a_deployment_has_as_many_ready_pods_as_wanted(made: Cluster) -> None:
    made.deployment("worker", 3)
    names = await ready(made, 3)
    assert all(name.startswith("worker-") for name in names)
    made.scale(1, "kubectl")
    await ready(made, 1)
    await eventually(lambda: made.get("deployments", "worker")["status"].get("replicas") == 1)


async def test_a_statefulset_goes_down_from_the_top(made: Cluster) -> None:
    made.statefulset("worker", 3)
    assert await ready(made, 3) == ["worker-0", "worker-1", "worker-2"]
    made.scale(1, "kubectl", plural="statefulsets")
    assert await ready(made, 1) == ["worker-0"]


async def test_the_cheapest_pod_leaves_first(made: Cluster) -> None:
    made.deployment("worker", 3)
    first, second, third = await ready(made, 3)
    made.annotate("pods", second, **{COST: "-1"})
    made.scale(2, "kubectl")
    assert await ready(made, 2) == [first, third]


async def test_a_controller_that_is_behind_takes_another_pod(made: Cluster) -> None:
    made.deployment("worker", 3)
    first, second, third = await ready(made, 3)
    made.annotate("pods", first, **{COST: "-1"})
    made.controllers.fall_behind()
    made.annotate("pods", second, **{COST: "-2"})
    made.scale(2, "kubectl")
    assert await ready(made, 2) == [second, third]
    made.controllers.catch_up()
    made.scale(1, "kubectl")
    assert await ready(made, 1) == [third]


async def test_an_ordered_set_does_one_thing_at_a_time(made: Cluster) -> None:
    made.kubelet.runner = Pretended(stop_seconds=None)
    made.statefulset("worker", 3, grace=1, spec={"ordinals": {"start": 5}})
    assert await ready(made, 3) == ["worker-5", "worker-6", "worker-7"]
    made.scale(1, "kubectl", plural="statefulsets")
    await eventually(lambda: made.live() == ["worker-5", "worker-6"], "the top one ends")
    assert len(made.pods()) == 3
    await eventually(lambda: made.live() == ["worker-5"], "the next one ends")
    assert len(made.pods()) == 2


async def test_a_parallel_set_does_all_at_once(made: Cluster) -> None:
    made.kubelet.runner = Pretended(stop_seconds=None)
    made.statefulset("worker", 3, spec={"podManagementPolicy": "Parallel"})
    await ready(made, 3)
    made.scale(1, "kubectl", plural="statefulsets")
    await eventually(lambda: made.live() == ["worker-0"], "both end")
    assert len(made.pods()) == 3


async def test_a_pod_of_a_set_comes_back_under_its_name(made: Cluster) -> None:
    made.statefulset("worker", 2)
    await ready(made, 2)
    uids = lambda: {p["metadata"]["name"]: p["metadata"]["uid"] for p in made.pods()}  # noqa: E731
    before = uids()["worker-0"]
    made.delete_pod("worker-0")
    await eventually(lambda: uids().get("worker-0", before) != before, "another pod of that name")
    assert await ready(made, 2) == ["worker-0", "worker-1"]


async def test_a_custom_resource_has_pods_and_a_scale_of_its_own(made: Cluster) -> None:
    made.custom("worker", 2)
    await ready(made, 2)
    key = ("clusters", "airflow", "worker")
    assert made.api.read_scale(key)["status"] == {"replicas": 2, "selector": "app=worker"}
    made.scale(1, "kubectl", plural="clusters")
    await ready(made, 1)


async def test_a_quota_stops_new_pods(made: Cluster) -> None:
    made.controllers.quota = 1
    made.deployment("worker", 3)
    await ready(made, 1)
    made.controllers.quota = None
    made.controllers.wake()
    await ready(made, 3)

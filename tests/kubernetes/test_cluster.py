"""What the fake cluster does by itself: pods of workloads, their lives, and who leaves first."""

from __future__ import annotations

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.victims import is_ready
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
    made.annotate("pods", second, **{"controller.kubernetes.io/pod-deletion-cost": "-1"})
    made.scale(2, "kubectl")
    assert await ready(made, 2) == [first, third]

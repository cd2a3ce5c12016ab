"""CPU and memory of pods, read from the API of a whole fake cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.pod_metrics import go_seconds, samples_of
from autoscaler.clients.kubernetes.requests import requests_of
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import ContainerRequest
from autoscaler.sources.kubernetes_metrics import KubernetesMetrics, KubernetesMetricsOptions
from tests.kubernetes.authorization import Rule
from tests.kubernetes.cluster import NAMESPACE, TOKEN, Cluster
from tests.servers import eventually

LEAST = Rule(["metrics.k8s.io"], ["pods"], ["list"])


@pytest.fixture
async def source(made: Cluster, tmp_path: Path):
    made.users.allow(TOKEN, LEAST)
    facts = {"namespace": NAMESPACE, "kubeconfig": made.kubeconfig(tmp_path)}
    one = KubernetesMetrics(KubernetesMetricsOptions.model_validate(facts), Context("pods"))
    yield one
    await one.aclose()
    await one.aclose()


async def two_pods(cluster: Cluster) -> list[str]:
    cluster.deployment("worker", 2)
    await eventually(lambda: len(cluster.live()) == 2, "two pods")
    return sorted(cluster.live())


async def test_what_each_container_uses(made: Cluster, source: Any) -> None:
    first, second = await two_pods(made)
    made.usage(first, worker=("250123456n", "512Mi"), logs=("5m", "10M"))
    made.usage(second, worker=("1", "1Gi"))
    state = await source.read(made.api.now())
    found = {(s.name, s.labels["pod"], s.labels["container"]): s.value for s in state.samples()}
    assert found == {
        ("cpu", first, "worker"): 0.251,
        ("cpu", first, "logs"): 0.005,
        ("cpu", second, "worker"): 1.0,
        ("memory", first, "worker"): 2.0**29,
        ("memory", first, "logs"): 1e7,
        ("memory", second, "worker"): 2.0**30,
    }
    assert {(s.labels["namespace"], s.window_seconds) for s in state.values} == {(NAMESPACE, 15.0)}
    assert state.unreadable == {}


async def test_it_is_asked_at_the_pace_of_metrics_server(made: Cluster, source: Any) -> None:
    [first, _] = await two_pods(made)
    made.usage(first, worker=("1", "1Gi"))
    now = made.api.now()
    before = await source.read(now)
    assert await source.read(now + 14) is before
    assert await source.read(now + 15) is not before
    assert made.asked("list").count(made.asked("list")[-1]) == 2


async def test_old_usage_is_unknown(made: Cluster, source: Any) -> None:
    [first, _] = await two_pods(made)
    made.usage(first, worker=("1", "1Gi"))
    state = await source.read(made.api.now() + 130)
    assert state.values == ()
    assert state.unreadable.keys() == {"cpu", "memory"}


async def test_a_missing_rule_is_named(made: Cluster, source: Any) -> None:
    made.users.allow(TOKEN, Rule([""], ["pods"], ["list"]))
    with pytest.raises(
        SourceError, match=r'apiGroups: \["metrics.k8s.io"\], resources: \["pods"\]'
    ):
        await source.read(made.api.now())
    made.users.allow(TOKEN, LEAST)
    nobody = await source.read(made.api.now())
    assert (nobody.values, nobody.unreadable) == ((), {})


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "install metrics-server"), (503, "is metrics-server well"), (500, "answered 500")],
)
async def test_metrics_that_are_not_served(
    made: Cluster,
    source: Any,
    status: int,
    message: str,
) -> None:
    made.faults.answer(status, "list pods", times=1)
    with pytest.raises(SourceError, match=message):
        await source.read(made.api.now())


def pod_metrics(**changes: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "a", "namespace": "airflow"},
        "timestamp": "2026-11-22T10:00:00Z",
        "window": "15.5s",
        "containers": [{"name": "worker", "usage": {"cpu": "1", "memory": "1Gi"}}],
        **changes,
    }


def test_a_container_that_lacks_a_resource_makes_it_unknown_of_the_whole_pod() -> None:
    containers = [
        {"name": "worker", "usage": {"cpu": "1", "memory": "1Gi"}},
        {"name": "logs", "usage": {"cpu": "1"}},
    ]
    assert [s.name for s in samples_of(pod_metrics(containers=containers))] == ["cpu", "cpu"]


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "yesterday"},
        {"window": "long"},
        {"window": ""},
        {"containers": [{"name": "worker", "usage": {"cpu": "much", "memory": "1Gi"}}]},
        {"containers": None},
        {"metadata": {}},
    ],
)
def test_what_cannot_be_understood_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="cannot be understood"):
        list(samples_of(pod_metrics(**changes)))


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("1m5.5s", 65.5), ("300ms", 0.3), ("1h0m0s", 3600)]
)
def test_durations_of_go(text: str, seconds: float) -> None:
    assert go_seconds(text) == pytest.approx(seconds)


def test_what_pods_request() -> None:
    ask = {"resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}}}
    spec = {
        "resources": {"requests": {"cpu": 2}},
        "containers": [{"name": "worker", **ask}, {"name": "bare"}],
        "initContainers": [
            {"name": "sidecar", "restartPolicy": "Always", **ask},
            {"name": "once", **ask},
        ],
    }
    found = requests_of(spec)
    assert found == (
        ContainerRequest("", 2.0, None),
        ContainerRequest("worker", 1.5, 2.0**30),
        ContainerRequest("bare"),
        ContainerRequest("sidecar", 1.5, 2.0**30),
    )
    assert requests_of(spec) is found

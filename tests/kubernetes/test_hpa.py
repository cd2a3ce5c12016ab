"""An HPA pasted in, over a whole cluster: converted, checked, and decided on as the HPA would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from autoscaler.config import Config, parse
from autoscaler.controller import Controller
from autoscaler.convert.input import Text, convert
from autoscaler.convert.writing import written
from autoscaler.model import FleetTick
from tests.kubernetes.cluster import NAMESPACE, Cluster
from tests.kubernetes.manifests import pod_template
from tests.kubernetes.times import stamp
from tests.servers import eventually

HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: worker, namespace: airflow}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  minReplicas: 2
  maxReplicas: 12
  metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
    - type: Resource
      resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}
  behavior:
    scaleUp: {policies: [{type: Pods, value: 4, periodSeconds: 60}]}
    scaleDown:
      stabilizationWindowSeconds: 120
      policies: [{type: Percent, value: 50, periodSeconds: 60}]
"""
REQUESTS = {"requests": {"cpu": "1", "memory": "1Gi"}}
WARM = 400.0


@dataclass
class Hpa:
    """A Deployment `worker` and the daemon in its HPA's place. now: ahead, for pods to be warm."""

    cluster: Cluster
    controller: Controller
    now: float

    def running(self) -> list[str]:
        pods = self.cluster.pods()
        return sorted(p["metadata"]["name"] for p in pods if p["status"].get("phase") == "Running")

    async def pods(self, number: int) -> None:
        await eventually(lambda: len(self.running()) == number, f"{number} running pods")

    def use(self, cpu: str, memory: str) -> None:
        """What each pod that there is uses from now on."""
        for name in self.running():
            self.cluster.usage(name, worker=(cpu, memory))

    async def tick(self, after: float = 15.0) -> FleetTick:
        """The next tick, with metrics as fresh as metrics-server has them."""
        self.now += after
        store = self.cluster.store
        for item in store.list("podmetrics", NAMESPACE):
            fresh = {**item, "timestamp": stamp(self.now - 5)}
            store.put(("podmetrics", NAMESPACE, item["metadata"]["name"]), fresh)
        return (await self.controller.tick(self.now)).fleets["worker"]


def pasted(kubeconfig: Path, directory: Path) -> Config:
    """What `convert` prints, with a kubeconfig and nothing else changed."""
    document = yaml.safe_load(written(convert([Text("hpa.yaml", HPA)], "")))
    document["state_directory"] = str(directory / "state")
    for part in (*document["sources"].values(), document["fleets"][0]["target"]):
        part["kubeconfig"] = str(kubeconfig)
    return parse(yaml.safe_dump(document))


@pytest.fixture
async def hpa(made: Cluster, tmp_path: Path) -> AsyncIterator[Hpa]:
    template = pod_template("worker", 30, (), (), {}, {})
    template["spec"]["containers"][0]["resources"] = REQUESTS
    made.deployment("worker", 4, spec={"template": template})
    controller = Controller(pasted(made.kubeconfig(tmp_path), tmp_path))
    rig = Hpa(made, controller, made.api.now() + WARM)
    await rig.pods(4)
    yield rig
    await controller.aclose()


async def test_the_seeds_hpa_decides_as_it_did(hpa: Hpa) -> None:
    hpa.use("1050m", "512Mi")
    assert (await hpa.tick()).decision.desired == 4  # the first tick only looks
    turn = await hpa.tick()
    assert turn.decision.steps[0].message == (
        "target_tracking: cpu 105 % of what is requested, target 70 % -> 6"
    )
    await hpa.pods(6)
    turn = await hpa.tick()
    assert turn.decision.desired == 6  # two pods are not measured yet, and count as idle
    hpa.use("200m", "920Mi")
    turn = await hpa.tick()
    assert turn.decision.steps[0].message == (
        "target_tracking: memory 89 % of what is requested, target 80 % -> 7"
    )
    await hpa.pods(7)


async def test_it_shrinks_after_its_window_and_not_below_what_it_may(hpa: Hpa) -> None:
    hpa.use("100m", "100Mi")
    for _ in range(8):
        turn = await hpa.tick()
        assert turn.decision.desired == 4, turn.decision
    wanted = [(await hpa.tick()).decision.desired for _ in range(4)]
    assert wanted[-1] == 2
    await hpa.pods(2)


async def test_no_metrics_lower_nothing(hpa: Hpa) -> None:
    hpa.use("100m", "100Mi")
    await hpa.tick()
    for name in hpa.running():
        hpa.cluster.store.remove(("podmetrics", NAMESPACE, name))
    for _ in range(16):
        turn = await hpa.tick()
        assert turn.decision.desired == 4
    assert turn.decision.steps[0].reason == "FailedGetResourceMetric"

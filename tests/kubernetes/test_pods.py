"""The life of pods in the fake cluster: starting, stuck, crashing, ending with grace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.kubernetes.cluster import NODE, Cluster
from tests.kubernetes.containers import Pretended
from tests.kubernetes.manifests import ZONE
from tests.kubernetes.processes import Processes
from tests.kubernetes.test_cluster import ready
from tests.kubernetes.victims import is_ready, restarts
from tests.servers import eventually

POLITE = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {POLITE}"


def state(cluster: Cluster) -> tuple[str, bool]:
    pod = cluster.pods()[0]
    return pod["status"]["phase"], is_ready(pod)


async def test_a_pod_is_pending_then_running_then_ready(made: Cluster) -> None:
    seen: list[tuple[str, bool]] = []

    def note(event: Any) -> None:
        if event.key[0] == "pods":
            fact = (event.item["status"]["phase"], is_ready(event.item))
            seen.extend([fact] if fact not in seen else [])

    made.kubelet.start_seconds = made.kubelet.ready_seconds = 0.02
    made.store.listeners.add(note)
    made.deployment("worker", 1)
    await ready(made, 1)
    assert seen == [("Pending", False), ("Running", False), ("Running", True)]


async def test_a_pod_that_fits_no_node_says_so(made: Cluster) -> None:
    made.node("spot-1", "b", spot=True, pods=1)
    made.deployment("worker", 2, node_selector={ZONE: "b"})

    def reasons() -> list[str]:
        conditions = [one for pod in made.pods() for one in pod["status"].get("conditions", ())]
        return [one["reason"] for one in conditions if "reason" in one]

    await eventually(lambda: reasons() == ["Unschedulable"], "one unschedulable pod")
    assert sorted(pod["spec"].get("nodeName", "") for pod in made.pods()) == ["", "spot-1"]
    made.node("spot-2", "b")
    await ready(made, 2)


async def test_a_container_that_fails_is_started_again(made: Cluster) -> None:
    made.kubelet.backoff_seconds = 0.01
    made.kubelet.runner = runner = Pretended()
    made.scheduler.asleep = True
    made.deployment("worker", 1)
    await eventually(lambda: len(made.live()) == 1)
    runner.crashing.update(made.live())
    made.scheduler.wake()
    await eventually(lambda: restarts(made.pods()[0]) >= 2, "two restarts")
    runner.crashing.clear()
    await eventually(lambda: state(made) == ("Running", True), "a pod that works after all")


async def test_a_pod_that_outlives_its_grace_is_killed(made: Cluster) -> None:
    made.kubelet.runner = Pretended(stop_seconds=None)
    made.deployment("worker", 1, grace=1)
    [name] = await ready(made, 1)
    made.scale(0, "kubectl")
    await eventually(lambda: made.live() == [])
    assert made.pods()[0]["metadata"]["deletionGracePeriodSeconds"] == 1
    await eventually(lambda: made.pods() == [], "the end of the pod")
    assert made.kubelet.killed == [name]


async def test_a_pod_that_ends_in_time_is_not_killed(made: Cluster) -> None:
    made.kubelet.runner = Pretended(stop_seconds=0.05)
    made.deployment("worker", 1)
    await ready(made, 1)
    made.scale(0, "kubectl")
    await eventually(lambda: made.live() == [] and len(made.pods()) == 1, "a terminating pod")
    await eventually(lambda: made.pods() == [], "the end of the pod")
    assert made.kubelet.killed == []


async def test_processes_are_told_to_end_and_killed_when_they_do_not(
    made: Cluster, tmp_path: Path
) -> None:
    made.kubelet.runner = runner = Processes(tmp_path, ready=lambda one: "up" in one.output)
    env = {"PROGRAM": STUBBORN}
    python, args = [sys.executable, "-c"], ["$(PROGRAM)"]
    made.deployment("stubborn", 1, grace=1, command=python, args=args, env=env)
    made.deployment("polite", 1, command=[*python, POLITE])
    [stubborn], [polite] = await ready(made, 1, "stubborn"), await ready(made, 1, "polite")
    assert set(runner.pids()) == {stubborn, polite}
    for name in ("stubborn", "polite"):
        made.scale(0, "kubectl", name=name)
    await eventually(lambda: made.pods("polite") + made.pods("stubborn") == [], "no pods")
    assert runner.pids() == {}
    assert made.kubelet.killed == [stubborn]


async def test_unready_pods_do_not_count_as_ready(made: Cluster) -> None:
    made.deployment("worker", 2)
    first, _ = await ready(made, 2)
    assert {pod["spec"]["nodeName"] for pod in made.pods()} == {NODE}
    made.kubelet.set_ready("airflow", first, ready=False)
    said = lambda: made.get("deployments", "worker")["status"]  # noqa: E731
    await eventually(lambda: said().get("readyReplicas") == 1)
    assert said()["unavailableReplicas"] == 1

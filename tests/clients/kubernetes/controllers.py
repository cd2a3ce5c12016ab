"""What a control plane does to the objects: ReplicaSets, StatefulSets, kubelets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from tests.clients.kubernetes.objects import Item, Objects

NAMESPACE = "airflow"
COST = "controller.kubernetes.io/pod-deletion-cost"


class Controllers:
    """Deployments have one ReplicaSet each. Everything happens soon, or when `step` is called.

    start: called with a pod that was bound; stop: with one that is told to end. Without them pods
    run at once and end at once.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.asleep = False
        self.deletes = True
        self.quota: int | None = None
        self.start: Callable[[Item], None] | None = None
        self.stop: Callable[[Item], None] | None = None
        self.unschedulable = False
        self._numbers = itertools.count(1)
        self._due = False
        objects.after_change = self._soon

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(0.005, self._run)

    def _run(self) -> None:
        self._due = False
        if not self.asleep:
            self.step()

    def step(self) -> None:
        """Bring pods to where their workloads want them."""
        for key, item in list(self.objects.items.items()):
            if key[0] == "deployments":
                self._deployment(item)
            elif key[0] == "statefulsets":
                self._statefulset(item)
            elif key[0] == "clusters":
                self._replicas(item, ("Cluster", item["metadata"]["name"], "cluster-uid"))

    def pods(self, workload: str) -> list[Item]:
        found = self.objects.choose("pods", NAMESPACE, {"labelSelector": f"app={workload}"})
        return [pod for pod in found if pod["status"]["phase"] not in ("Failed", "Succeeded")]

    def live(self, workload: str) -> list[Item]:
        return [p for p in self.pods(workload) if "deletionTimestamp" not in p["metadata"]]

    def end(self, name: str) -> None:
        """Delete a pod as `kubectl delete` does, with its grace."""
        key = ("pods", NAMESPACE, name)
        if "deletionTimestamp" in self.objects.get(key)["metadata"]:
            return
        stamp = self.objects.now()
        item = self.objects.update(key, lambda pod: pod["metadata"].update(deletionTimestamp=stamp))
        if self.stop is None:
            asyncio.get_running_loop().call_later(0.05, self.gone, name)
        else:
            self.stop(item)

    def gone(self, name: str) -> None:
        key = ("pods", NAMESPACE, name)
        if key in self.objects.items:
            self.objects.delete(key)

    def runs(self, name: str, *, ready: bool = True) -> None:
        """What a kubelet says of a pod whose containers are up."""
        key = ("pods", NAMESPACE, name)
        status = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": "worker", "state": {"running": {}}}],
        }
        if key in self.objects.items:
            self.objects.update(key, lambda pod: pod.update(status=status))

    def _deployment(self, item: Item) -> None:
        name = item["metadata"]["name"]
        self._replicas(item, ("ReplicaSet", f"{name}-5d4f", f"rs-{name}"))
        live = len(self.live(name))
        status = {
            "observedGeneration": item["metadata"]["generation"],
            "replicas": live,
            "updatedReplicas": live,
        }
        key = ("deployments", NAMESPACE, name)
        if item.get("status") != status:
            self.objects.update(key, lambda workload: workload.update(status=status))

    def _replicas(self, item: Item, owner: tuple[str, str, str]) -> None:
        name, wanted = item["metadata"]["name"], item["spec"]["replicas"]
        live = self.live(name)
        for pod in (
            () if not self.deletes else sorted(live, key=_rank)[: max(0, len(live) - wanted)]
        ):
            self.end(pod["metadata"]["name"])
        for _ in range(wanted - len(live)):
            if self.quota is None or len(self.pods(name)) < self.quota:
                self._make(name, f"{owner[1]}-{next(self._numbers):05}", owner)

    def _statefulset(self, item: Item) -> None:
        name, wanted = item["metadata"]["name"], item["spec"]["replicas"]
        there = {int(p["metadata"]["name"].rpartition("-")[2]): p for p in self.pods(name)}
        for number, pod in sorted(there.items(), reverse=True):
            if number >= wanted:
                self.end(pod["metadata"]["name"])
        for number in range(wanted):
            if number not in there:
                owner = ("StatefulSet", name, item["metadata"]["uid"])
                self._make(name, f"{name}-{number}", owner)

    def _make(self, workload: str, name: str, owner: tuple[str, str, str]) -> None:
        kind, owner_name, uid = owner
        spec: dict[str, Any] = {"containers": [{"name": "worker", "image": "worker:1"}]}
        item = {
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {"app": workload, "pod-template-hash": "5d4f"},
                "annotations": {},
                "ownerReferences": [
                    {"kind": kind, "name": owner_name, "uid": uid, "controller": True}
                ],
            },
            "spec": {**spec, "terminationGracePeriodSeconds": 30},
            "status": {"phase": "Pending"},
        }
        if self.unschedulable:
            why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            item["status"]["conditions"] = [why]
            self.objects.create("pods", item)
            return
        item["spec"]["nodeName"] = "node-1"
        made = self.objects.create("pods", item)
        if self.start is None:
            self.runs(name)
        else:
            self.start(made)


def _rank(pod: Item) -> tuple[Any, ...]:
    """The documented order in which a ReplicaSet deletes, as far as it matters here."""
    status = pod["status"]
    ready = any(
        c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ())
    )
    cost = int((pod["metadata"].get("annotations") or {}).get(COST, "0"))
    newest = -int(pod["metadata"]["resourceVersion"])
    return "nodeName" in pod["spec"], status["phase"] == "Running", ready, cost, newest

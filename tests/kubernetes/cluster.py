"""A whole cluster for tests: API server, controllers, scheduler, and kubelet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.kubernetes.api import Api
from tests.kubernetes.budgets import Budgets
from tests.kubernetes.calls import Call
from tests.kubernetes.faults import Faults
from tests.kubernetes.kinds import BY_NAME, Item, Key
from tests.kubernetes.manifests import node_manifest, pod_metrics, pod_template
from tests.kubernetes.owned import active
from tests.kubernetes.ownership import Author
from tests.kubernetes.patches import merged
from tests.kubernetes.pods import Kubelet
from tests.kubernetes.resizes import Resizer
from tests.kubernetes.scheduler import Scheduler
from tests.kubernetes.server import Server
from tests.kubernetes.store import Store
from tests.kubernetes.times import stamp
from tests.kubernetes.workloads import Controllers

NAMESPACE = "airflow"
TOKEN = "token-1"
NODE = "node-1"


class Part(Protocol):
    """One that watches and acts until it is cancelled."""

    async def run(self) -> None: ...


class Cluster:
    """Begins with one node that has room for all, and one token that may do everything."""

    def __init__(self) -> None:
        self.store = Store()
        self.api = Api(self.store)
        self.server = Server(self.api)
        self.controllers = Controllers(self.api)
        self.scheduler = Scheduler(self.api)
        self.kubelet = Kubelet(self.api)
        self.budgets = Budgets(self.api)
        self.resizer = Resizer(self.api)
        self.users = self.server.users
        self.watches = self.server.watches
        self.users.allow(TOKEN)
        self.node(NODE)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that works by itself."""
        return (self.controllers, self.scheduler, self.kubelet, self.budgets, self.resizer)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def requests(self) -> list[Call]:
        """Every request so far, as an audit log has them."""
        return self.server.calls

    def asked(self, *verbs: str) -> list[str]:
        """The requests of these verbs, in words such as `patch deployments/scale worker`."""
        return [str(call) for call in self.requests if not verbs or call.verb in verbs]

    def kubeconfig(self, path: Path, token: str = TOKEN, url: str = "") -> Path:
        """Write one, into a directory or as a file. It has NAMESPACE as its namespace.

        url: of what stands between, where something does.
        """
        path = path / "kubeconfig" if path.is_dir() else path
        context = {"cluster": "test", "user": "test", "namespace": NAMESPACE}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": context}],
            "clusters": [{"name": "test", "cluster": {"server": url or self.url}}],
            "users": [{"name": "test", "user": {"token": token}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def create(self, kind: str, manifest: Item, manager: str = "kubectl") -> Item:
        """Any object, in NAMESPACE unless it says otherwise."""
        metadata = dict(manifest["metadata"])
        if BY_NAME[kind].namespaced:
            metadata = {"namespace": NAMESPACE, **metadata}
        return self.api.create(BY_NAME[kind], {**manifest, "metadata": metadata}, Author(manager))

    def node(self, name: str, zone: str = "", *, spot: bool = False, pods: int = 10_000) -> Item:
        made = node_manifest(name, zone, spot=spot)
        item = self.create("Node", made)
        item["status"]["allocatable"] = {"pods": str(pods)}
        return self.store.put(("nodes", "", name), item)

    def deployment(self, name: str = "worker", replicas: int = 1, **facts: Any) -> Item:
        """As helm would create it. facts: of manifests.pod_template, spec, and of metadata."""
        return self._workload("Deployment", name, replicas, **facts)

    def statefulset(self, name: str = "worker", replicas: int = 1, **facts: Any) -> Item:
        return self._workload("StatefulSet", name, replicas, **facts)

    def custom(self, name: str = "worker", replicas: int = 1, **facts: Any) -> Item:
        """An example.com/v1 Cluster, whose controller makes pods itself."""
        return self._workload("Cluster", name, replicas, **facts)

    def budget(self, name: str, app: str = "worker", **spec: Any) -> Item:
        """A PodDisruptionBudget over the pods of a workload; spec: such as minAvailable=1."""
        selector = {"matchLabels": {"app": app}}
        manifest = {"metadata": {"name": name}, "spec": {"selector": selector, **spec}}
        return self.create("PodDisruptionBudget", manifest)

    def usage(self, name: str, **containers: tuple[str, str]) -> Item:
        """What metrics-server says of a pod: for each container, CPU and memory as quantities."""
        item = pod_metrics(self.get("pods", name), containers, stamp(self.api.now()))
        return self.store.put(("podmetrics", NAMESPACE, name), item)

    def cordon(self, name: str, *, unschedulable: bool = True) -> None:
        """No more pods on a node; or again."""
        change = lambda item: item["spec"].update(unschedulable=unschedulable)  # noqa: E731
        self.api.change(("nodes", "", name), change, Author("kubectl-cordon"))

    def scale(
        self,
        replicas: int,
        manager: str,
        subresource: str = "scale",
        plural: str = "deployments",
        name: str = "worker",
    ) -> None:
        """As somebody else would."""
        change = lambda item: item["spec"].update(replicas=replicas)  # noqa: E731
        self.api.change((plural, NAMESPACE, name), change, Author(manager, subresource))

    def annotate(self, plural: str, name: str, **annotations: str | None) -> None:
        """As `kubectl annotate` does; None takes one away."""

        def change(item: Item) -> None:
            item["metadata"] = merged(item["metadata"], {"annotations": annotations})

        self.api.change((plural, NAMESPACE, name), change, Author("kubectl-annotate"))

    def get(self, plural: str, name: str, namespace: str = NAMESPACE) -> Item:
        return self.api.get((plural, namespace, name))

    def replicas(self, plural: str = "deployments", name: str = "worker") -> int:
        return int(self.get(plural, name)["spec"]["replicas"])

    def pods(self, app: str = "worker") -> list[Item]:
        """Those of one workload, the ones that are ending included."""
        found = self.store.list("pods", NAMESPACE)
        return [pod for pod in found if pod["metadata"]["labels"].get("app") == app]

    def live(self, app: str = "worker") -> list[str]:
        """The names of the pods that count."""
        return [pod["metadata"]["name"] for pod in self.pods(app) if active(pod)]

    def delete_pod(self, name: str, grace: int | None = None) -> None:
        """As `kubectl delete pod` does."""
        options = {} if grace is None else {"gracePeriodSeconds": grace}
        key: Key = ("pods", NAMESPACE, name)
        self.api.delete(key, options)

    def _workload(
        self,
        kind: str,
        name: str,
        replicas: int,
        *,
        grace: int = 30,
        command: Sequence[str] = (),
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        node_selector: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        manager: str = "helm",
        **metadata: Any,
    ) -> Item:
        template = pod_template(name, grace, command, args, env or {}, node_selector or {})
        wanted = {"selector": {"matchLabels": {"app": name}}, "template": template}
        manifest = {
            "metadata": {"name": name, **metadata},
            "spec": {"replicas": replicas, **wanted, **(spec or {})},
        }
        return self.create(kind, manifest, manager)


@contextlib.asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """A cluster that answers on a free port; whatever runs in its pods is killed at the end."""
    made = Cluster()
    await made.server.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(part.run()) for part in made.parts]
            await asyncio.sleep(0)
            try:
                yield made
            finally:
                for task in working:
                    task.cancel()
    finally:
        await made.server.stop()

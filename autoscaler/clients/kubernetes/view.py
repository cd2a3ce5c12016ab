"""One workload and its pods, as they are: from watches, or from lists where nobody watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from autoscaler.clients.kubernetes.connection import (
    STRATEGIC_MERGE_PATCH,
    Connection,
    Object,
)
from autoscaler.clients.kubernetes.faults import ApiError, NotFound
from autoscaler.clients.kubernetes.pods import Pod, parse_pod
from autoscaler.clients.kubernetes.reflector import Reflector
from autoscaler.clients.kubernetes.resizing import Resize
from autoscaler.clients.kubernetes.resource import Request, Resource, pods
from autoscaler.clients.kubernetes.workload import (
    DEPLOYMENT,
    STATEFUL_SET,
    Scale,
    Workload,
    parse_scale,
    parse_workload,
)

STALE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """What is scaled: its kind, where the API serves it, and its name.

    pod_selector: labels of its pods, for where its scale does not tell them.
    """

    kind: str
    resource: Resource
    name: str
    pod_selector: str = ""

    @property
    def has_own_spec(self) -> bool:
        """Whether replicas and selector are where we know them, not only in the scale."""
        return self.kind in (DEPLOYMENT, STATEFUL_SET)


class View:
    """What is known of one workload. Every method raises ApiError.

    Once `run` runs, `now` answers from watches, and refuses what is older than STALE_SECONDS.
    """

    def __init__(
        self, connection: Connection, target: ScaleTarget, container: str | None = None
    ) -> None:
        self.target = target
        self._connection = connection
        self._container = container
        self._objects: Reflector[Object] = Reflector(
            connection,
            target.resource,
            (("fieldSelector", f"metadata.name={target.name}"),),
            lambda item: item,
        )
        self._pods: Reflector[Pod] | None = None
        self._selector = ""
        self._scale: tuple[str, Scale] | None = None
        self._watched = False
        self._selected = asyncio.Event()

    async def now(self) -> tuple[Workload, tuple[Pod, ...]]:
        """The workload and those of its pods that it owns."""
        await self._renew(self._objects)
        workload = await self._workload()
        reflector = self._pods_of(workload)
        await self._renew(reflector)
        return workload, tuple(pod for pod in reflector.objects.values() if workload.owns(pod))

    async def run(self, changed: Callable[[], None]) -> None:
        """Watch until cancelled; `changed` is called after each change."""
        self._watched = True
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._objects.run(changed))
                await self._watch_pods(tasks, changed)
        finally:
            self._watched = False

    async def read_scale(self) -> Scale:
        """The scale as it is at this instant."""
        return parse_scale(await self._connection.ask(self._request("get")))

    async def write_scale(self, replicas: int, version: str) -> Scale:
        """Set the replicas if nothing changed since `version`. Raises Conflict if it did."""
        body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
        return parse_scale(await self._connection.patch(self._request("patch"), body))

    async def read_pod(self, name: str) -> Pod:
        """One pod as it is at this instant."""
        request = Request("get", pods(self.target.resource.namespace), name)
        return self._noted(await self._connection.ask(request))

    async def annotate(self, pod: Pod, changes: dict[str, str | None]) -> Pod:
        """Change annotations of a pod that is still as it was read. Raises Conflict if not."""
        request = Request("patch", pods(self.target.resource.namespace), pod.name)
        metadata = {"uid": pod.uid, "resourceVersion": pod.version, "annotations": changes}
        return self._noted(await self._connection.patch(request, {"metadata": metadata}))

    async def serves_resize(self) -> bool:
        """Whether pods can be resized in place here."""
        listing = await self._connection.ask(Request("get", Resource("", "v1", "")))
        return any(one.get("name") == "pods/resize" for one in listing.get("resources") or ())

    async def resize(self, name: str, change: Callable[[Object], Resize | None]) -> Resize | None:
        """Change one pod as it is at this instant. Raises Conflict if it changed meanwhile."""
        where = pods(self.target.resource.namespace)
        item = await self._connection.ask(Request("get", where, name))
        made = change(item)
        if made is None:
            return None
        metadata = {key: item["metadata"][key] for key in ("uid", "resourceVersion")}
        changed = await self._connection.ask(
            Request("patch", where, name, "resize"),
            body={"metadata": metadata, **made.body},
            content_type=STRATEGIC_MERGE_PATCH,
        )
        self._noted(changed)
        return made

    def _noted(self, item: Object) -> Pod:
        return self._pods.put(item) if self._pods else parse_pod(item, self._container)

    def _request(self, verb: str) -> Request:
        return Request(verb, self.target.resource, self.target.name, "scale")

    async def _renew(self, reflector: Reflector[Pod] | Reflector[Object]) -> None:
        """List where nobody watches, or nothing was listed yet. Raises ApiError when stale."""
        age = reflector.age_seconds()
        if not self._watched:
            await reflector.refresh()
        elif age is None:
            await reflector.begin()
        elif age > STALE_SECONDS:
            raise ApiError(f"not seen for {age:.0f} s: {reflector.fault or 'the watch broke'}")

    async def _workload(self) -> Workload:
        item = self._objects.objects.get(self.target.name)
        if item is None:
            place = f"{self.target.resource.namespace}/{self.target.name}"
            raise NotFound(f"there is no {self.target.kind} {place}", 404)
        if self.target.has_own_spec:
            return parse_workload(item, self.target.kind)
        version = item["metadata"]["resourceVersion"]
        if self._scale is None or self._scale[0] != version:
            self._scale = (version, await self.read_scale())
        return parse_workload(item, self.target.kind, self._scale[1])

    def _pods_of(self, workload: Workload) -> Reflector[Pod]:
        selector = workload.scale.selector or self.target.pod_selector
        if self._pods is None or self._selector != selector:
            self._selector = selector
            if not selector:
                raise ApiError(
                    f"the scale of {workload.kind} {workload.name} does not tell which pods are its"
                    " own: say pod_selector"
                )
            self._pods = Reflector(
                self._connection,
                pods(self.target.resource.namespace),
                (("labelSelector", self._selector),),
                partial(parse_pod, container=self._container),
            )
            self._selected.set()
        return self._pods

    async def _watch_pods(self, tasks: asyncio.TaskGroup, changed: Callable[[], None]) -> None:
        """Follow the pods, anew whenever the selector changes."""
        watched: Reflector[Pod] | None = None
        task: asyncio.Task[None] | None = None
        while True:
            if self._pods is not None and self._pods is not watched:
                if task is not None:
                    task.cancel()
                watched = self._pods
                task = tasks.create_task(watched.run(changed))
            self._selected.clear()
            await self._selected.wait()

"""A small API server, as much of it as the daemon speaks to, with faults to switch on."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from tests.clients.kubernetes.controllers import NAMESPACE, Controllers
from tests.clients.kubernetes.objects import Item, Objects, Refused, fits, merge, refuse_moved

KINDS = {
    "pods": ("v1", "Pod"),
    "nodes": ("v1", "Node"),
    "deployments": ("apps/v1", "Deployment"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "clusters": ("example.com/v1", "Cluster"),
}
Fault = Callable[["Call"], web.StreamResponse | None]


@dataclass(frozen=True)
class Call:
    """One request, as the audit log has it."""

    verb: str
    plural: str
    name: str
    subresource: str
    query: dict[str, str]
    body: Any

    def __str__(self) -> str:
        resource = "/".join(part for part in (self.plural, self.subresource) if part)
        return " ".join(part for part in (self.verb, resource, self.name) if part)


class Cluster:
    """The server with its objects and controllers. faults: asked in turn before each request."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.controllers = Controllers(self.objects)
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.token = "token-1"
        self.url = ""
        self.hold_events = False
        self.delay = 0.0
        self._watches: set[web.StreamResponse] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    def asked(self, *verbs: str) -> list[str]:
        """The calls of these verbs, in words."""
        return [str(call) for call in self.calls if not verbs or call.verb in verbs]

    def workload(self, plural: str, replicas: int, name: str = "worker", **metadata: Any) -> None:
        item = {
            "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}},
        }
        self.objects.create(plural, item, manager="helm")

    def scale(
        self,
        replicas: int,
        manager: str,
        sub: str = "scale",
        plural: str = "deployments",
        name: str = "worker",
    ) -> None:
        """As somebody else would."""
        key = (plural, NAMESPACE, name)
        self.objects.update(key, lambda i: i["spec"].update(replicas=replicas), manager, sub)

    def annotate(self, plural: str, name: str, **annotations: str | None) -> None:
        def change(item: Item) -> None:
            item["metadata"] = merge(item["metadata"], {"annotations": annotations})

        self.objects.update((plural, NAMESPACE, name), change)

    def replicas(self, plural: str = "deployments", name: str = "worker") -> int:
        return int(self.objects.get((plural, NAMESPACE, name))["spec"]["replicas"])

    async def cut_watches(self) -> None:
        """Drop every connection that watches."""
        for response in list(self._watches):
            if response._req is not None and response._req.transport is not None:
                response._req.transport.abort()

    def kubeconfig(self, directory: Path, token: str | None = None) -> Path:
        path = directory / "kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": token or self.token}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = await _call(request)
        self.calls.append(call)
        await asyncio.sleep(self.delay)
        for fault in self.faults:
            if (answer := fault(call)) is not None:
                return answer
        try:
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return status_of(401, "Unauthorized")
            if call.verb == "watch":
                return await self._watch(request, call)
            return web.json_response(self._answer(call))
        except Refused as error:
            return status_of(error.status, error.message, error.reason)

    def _answer(self, call: Call) -> Any:
        if not call.plural:
            names = [("clusters", "Cluster"), ("clusters/scale", "Scale"), ("bares", "Bare")]
            return {"resources": [{"name": name, "kind": kind} for name, kind in names]}
        key = (call.plural, "" if call.plural == "nodes" else NAMESPACE, call.name)
        if call.verb == "list":
            items = self.objects.choose(call.plural, key[1], call.query)
            metadata = {"resourceVersion": str(self.objects.version)}
            start, limit = int(call.query.get("continue", "0")), int(call.query.get("limit", "500"))
            if start + limit < len(items):
                metadata["continue"] = str(start + limit)
            return {"metadata": metadata, "items": items[start : start + limit]}
        if call.verb == "get":
            item = self.objects.get(key)
            return self._scale(item) if call.subresource else self._full(call.plural, item)
        assert call.verb == "patch", call
        assert call.query.get("fieldValidation") == "Strict"
        return self._patch(call, key)

    def _patch(self, call: Call, key: tuple[str, str, str]) -> Any:
        item = self.objects.get(key)
        refuse_moved(item, call.body)
        manager = call.query["fieldManager"]
        if call.subresource == "scale":
            assert set(call.body) == {"metadata", "spec"}
            replicas = call.body["spec"]["replicas"]
            change = lambda made: made["spec"].update(replicas=replicas)  # noqa: E731
            return self._scale(self.objects.update(key, change, manager, "scale"))
        made = merge(item, call.body)
        return self.objects.update(key, lambda old: (old.clear(), old.update(made)), manager)

    def _scale(self, item: Item) -> Item:
        metadata = {n: item["metadata"][n] for n in ("name", "namespace", "uid", "resourceVersion")}
        replicas = item["spec"]["replicas"]
        selector = ",".join(f"{k}={v}" for k, v in item["spec"]["selector"]["matchLabels"].items())
        spec = {"replicas": replicas} if replicas else {}
        return {"metadata": metadata, "spec": spec, "status": {"selector": selector}}

    def _full(self, plural: str, item: Item) -> Item:
        version, kind = KINDS[plural]
        return {"apiVersion": version, "kind": kind, **item}

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        since = int(call.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        self._watches.add(response)
        try:
            await self._stream(response, call, since)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._watches.discard(response)
        return response

    async def _stream(self, response: web.StreamResponse, call: Call, since: int) -> None:
        place = f"{call.plural}/{NAMESPACE}"
        while True:
            if since < self.objects.oldest:
                gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
                await _send(response, "ERROR", gone)
                return
            if not self.hold_events:
                for version, where, kind, item in list(self.objects.events):
                    if version > since and where == place and fits(item, call.query):
                        await _send(response, kind, item)
                since = self.objects.version
                await _send(response, "BOOKMARK", {"metadata": {"resourceVersion": str(since)}})
            async with self.objects.changed:
                await self.objects.changed.wait()


async def _send(response: web.StreamResponse, kind: str, item: Item) -> None:
    await response.write(json.dumps({"type": kind, "object": item}).encode() + b"\n")


async def _call(request: web.Request) -> Call:
    parts = request.path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[:1] == ["namespaces"]:
        parts = parts[2:]
    plural, name, subresource = (*parts, "", "", "")[:3]
    query = dict(request.query)
    verb = {"GET": "get" if name or not plural else "list", "PATCH": "patch"}[request.method]
    if query.get("watch"):
        verb = "watch"
    body = await request.json() if request.can_read_body and request.method != "GET" else None
    return Call(verb, plural, name, subresource, query, body)


def status_of(status: int, message: str = "", reason: str = "", **headers: str) -> web.Response:
    """A refusal as the API server words it."""
    body = {"kind": "Status", "code": status, "reason": reason, "message": message}
    return web.json_response(body, status=status, headers=headers)


@contextlib.asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """A cluster that answers on a free port."""
    made = Cluster()
    runner = web.AppRunner(made.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    made.url = f"http://{host}:{port}"
    try:
        yield made
    finally:
        await made.cut_watches()
        await runner.cleanup()

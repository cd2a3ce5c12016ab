"""The part of a Kubernetes API server that leases need, as strict as the real one is documented."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

TOKEN = "service-account-token"
PATH = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
KINDS = {
    "holderIdentity": str,
    "leaseDurationSeconds": int,
    "leaseTransitions": int,
    "acquireTime": str,
    "renewTime": str,
}


class LeaseApi:
    """Lease objects of all namespaces. `fault` is answered, or `hangs` awaited, in their place."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.fault: int | None = None
        self.token = TOKEN
        self._version = 100

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._gate])
        app.router.add_get(PATH + "/{name}", self._get)
        app.router.add_post(PATH, self._create)
        app.router.add_put(PATH + "/{name}", self._replace)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _status(401, "Unauthorized")
        if self.fault is not None:
            return _status(self.fault, "a fault of the test")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _get(self, request: web.Request) -> web.Response:
        found = self.objects.get(_key(request, request.match_info["name"]))
        return web.json_response(found) if found else _status(404, "not found")

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        key = _key(request, body["metadata"]["name"])
        if key in self.objects:
            return _status(409, "already exists")
        return self._put(request, key, body)

    async def _replace(self, request: web.Request) -> web.Response:
        body = await request.json()
        key = _key(request, request.match_info["name"])
        if key not in self.objects:
            return _status(404, "not found")
        held = self.objects[key]["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion", held) != held:
            return _status(409, "the object has been modified")
        return self._put(request, key, body)

    def _put(self, request: web.Request, key: tuple[str, str], body: Any) -> web.Response:
        assert request.query["fieldValidation"] == "Strict"
        if fault := _fault(body, key):
            return _status(422, fault)
        self._version += 1
        created = {"creationTimestamp": "2026-01-01T00:00:00Z", "uid": "1"}
        metadata = {**created, **body["metadata"], "resourceVersion": str(self._version)}
        self.objects[key] = {**body, "metadata": metadata}
        return web.json_response(self.objects[key])


def _key(request: web.Request, name: str) -> tuple[str, str]:
    return request.match_info["namespace"], name


def _fault(body: Any, key: tuple[str, str]) -> str:
    if (body["apiVersion"], body["kind"]) != ("coordination.k8s.io/v1", "Lease"):
        return "of another kind"
    if (body["metadata"]["namespace"], body["metadata"]["name"]) != key:
        return "of another name"
    for field, value in body["spec"].items():
        if not isinstance(value, KINDS.get(field, ())):
            return f"unknown field or wrong type: spec.{field}"
        if field.endswith("Time") and not MICRO_TIME.fullmatch(value):
            return f"spec.{field} is no MicroTime"
    spec = body["spec"]
    if spec["leaseDurationSeconds"] <= 0 or not 0 <= spec["leaseTransitions"] < 2**31:
        return "out of range"
    return ""


def _status(code: int, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}
    return web.json_response({**body, "code": code}, status=code)


@contextlib.asynccontextmanager
async def lease_api(directory: Path) -> AsyncIterator[tuple[LeaseApi, Path]]:
    """A running server, and a kubeconfig that leads to it."""
    api = LeaseApi()
    runner = web.AppRunner(api.app(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                    "users": [{"name": "u", "user": {"token": TOKEN}}],
                }
            )
        )
        yield api, kubeconfig
    finally:
        await runner.cleanup()

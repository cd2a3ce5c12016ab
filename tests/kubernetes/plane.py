"""A control plane to test against: the fake one, or the real one of $KUBECONFIG."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient

from autoscaler.clients.kubernetes.login import Login
from autoscaler.clients.kubernetes.official import open_client
from tests.kubernetes.cluster import cluster
from tests.kubernetes.kinds import BY_NAME, Item

KUBECONFIG = os.environ.get("KUBECONFIG", "")
MERGE = "application/merge-patch+json"
STRICT = {"fieldManager": "contract", "fieldValidation": "Strict"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Item


@dataclass(frozen=True, slots=True)
class Plane:
    """Requests in a namespace of their own."""

    client: ApiClient
    namespace: str

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        facts = BY_NAME[kind]
        root = f"/apis/{facts.api_version}" if facts.group else "/api/v1"
        parts = ["namespaces", self.namespace] if facts.namespaced else []
        return "/".join([root, *parts, facts.plural, *filter(None, (name, subresource))])

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        async with asyncio.timeout(20):
            async with await self._send(method, path, body, params or {}, content_type) as response:
                return Answer(response.status, json.loads(await response.read()))

    async def create(self, kind: str, manifest: Item) -> Item:
        answer = await self.ask("POST", self.path(kind), _typed(kind, manifest), STRICT)
        assert answer.status == 201, answer.body
        return answer.body

    async def get(self, kind: str, name: str, subresource: str = "") -> Item:
        answer = await self.ask("GET", self.path(kind, name, subresource))
        assert answer.status == 200, answer.body
        return answer.body

    async def update(self, kind: str, item: Item) -> Answer:
        path = self.path(kind, item["metadata"]["name"])
        return await self.ask("PUT", path, _typed(kind, item), STRICT)

    async def patch(
        self, kind: str, name: str, body: Any, subresource: str = "", content_type: str = MERGE
    ) -> Answer:
        path = self.path(kind, name, subresource)
        return await self.ask("PATCH", path, body, STRICT, content_type)

    async def delete(self, kind: str, name: str) -> Answer:
        return await self.ask("DELETE", self.path(kind, name), params={"gracePeriodSeconds": "0"})

    async def events(self, kind: str, version: str, **params: str) -> list[tuple[str, Item]]:
        """Everything that a watch tells within one second; its ERROR, if it ends with one."""
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1", **params}
        found = []
        async with asyncio.timeout(20):
            async with await self._send("GET", self.path(kind), None, query, "") as response:
                assert response.status == 200, await response.read()
                async for line in response.content:
                    event = json.loads(line)
                    found.append((event["type"], event["object"]))
        return found

    async def _send(
        self, method: str, path: str, body: Any, params: Mapping[str, str], content_type: str
    ) -> aiohttp.ClientResponse:
        response: aiohttp.ClientResponse = await self.client.call_api(
            path,
            method,
            query_params=list(params.items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
        )
        return response


@contextlib.asynccontextmanager
async def plane(directory: Path) -> AsyncIterator[Plane]:
    """The fake one does not start pods: a real control plane has nothing to start them on."""
    async with contextlib.AsyncExitStack() as stack:
        config = Path(KUBECONFIG)
        if not KUBECONFIG:
            made = await stack.enter_async_context(cluster())
            made.scheduler.asleep = True
            config = made.kubeconfig(directory)
        client = await open_client(Login(config, None))
        stack.push_async_callback(client.close)
        made_plane = Plane(client, f"contract-{secrets.token_hex(4)}")
        await made_plane.create("Namespace", {"metadata": {"name": made_plane.namespace}})
        stack.push_async_callback(made_plane.delete, "Namespace", made_plane.namespace)
        yield made_plane


def _typed(kind: str, manifest: Item) -> Item:
    return {"apiVersion": BY_NAME[kind].api_version, "kind": kind, **manifest}

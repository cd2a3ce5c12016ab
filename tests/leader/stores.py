"""Real stores of leases, each in a fresh place of a real server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoscaler.interfaces import Context
from autoscaler.leader.election import LeaseElection
from autoscaler.leader.kubernetes import KubernetesElection
from autoscaler.leader.lease import Found, Lease
from autoscaler.leader.postgresql import PostgresqlElection
from autoscaler.leader.redis import RedisElection
from tests.leader.lease_api import LeaseApi, lease_api
from tests.postgres import PostgresServer
from tests.servers import Valkey, valkey


@dataclass(frozen=True, slots=True)
class Scene:
    """Makes stores that know the same lease; `config` is the config's section for it."""

    config: dict[str, Any]
    kind: type[LeaseElection[Any]]
    directory: Path
    made: list[LeaseElection[Any]]
    api: LeaseApi | None = None

    def store(self, **changed: Any) -> LeaseElection[Any]:
        options = {**self.config, **changed}
        del options["kind"]
        place = Context(self.config["kind"], state_directory=self.directory)
        store = self.kind(self.kind.options_type.model_validate(options), place)
        self.made.append(store)
        return store

    async def give_back(self) -> None:
        """As if a leader had ended well, so that the first to come need not wait for any lease."""
        await self.store().replace(Found(), Lease("", 1, 0, 8.0))

    async def close(self) -> None:
        for store in self.made:
            await store.aclose()


@contextlib.asynccontextmanager
async def on_valkey(directory: Path, server: Valkey) -> AsyncIterator[Scene]:
    config = {"kind": "redis", "url": server.url, "lease_seconds": 8}
    scene = Scene(config, RedisElection, directory, [])
    try:
        yield scene
    finally:
        await scene.close()


@contextlib.asynccontextmanager
async def on_postgres(directory: Path, server: PostgresServer) -> AsyncIterator[Scene]:
    url = server.url(server.new_database())
    scene = Scene(
        {"kind": "postgresql", "url": url, "lease_seconds": 8}, PostgresqlElection, directory, []
    )
    try:
        yield scene
    finally:
        await scene.close()


@contextlib.asynccontextmanager
async def on_kubernetes(directory: Path) -> AsyncIterator[Scene]:
    """$KUBECONFIG must lead to the server that this runs."""
    pytest.importorskip("kubernetes")
    config = {"kind": "kubernetes", "lease_seconds": 8, "namespace": "airflow"}
    async with lease_api(directory) as (api, kubeconfig):
        scene = Scene(config, KubernetesElection, directory, [], api)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", str(kubeconfig))
            patch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
            try:
                yield scene
            finally:
                await scene.close()


@contextlib.asynccontextmanager
async def scene_of(
    kind: str, directory: Path, postgres: Callable[[], PostgresServer]
) -> AsyncIterator[Scene]:
    if kind == "redis":
        async with valkey() as server, on_valkey(directory, server) as scene:
            yield scene
    elif kind == "kubernetes":
        async with on_kubernetes(directory) as scene:
            yield scene
    else:
        async with on_postgres(directory, postgres()) as scene:
            yield scene

"""Real stores of leases, each in a fresh place of a real server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoscaler.interfaces import Context
from autoscaler.leader.election import LeaseElection
from autoscaler.leader.lease import Found, Lease
from autoscaler.leader.postgresql import PostgresqlElection
from autoscaler.leader.redis import RedisElection
from tests.postgres import PostgresServer
from tests.servers import Valkey, valkey


@dataclass(frozen=True, slots=True)
class Scene:
    """Makes stores that know the same lease; `config` is the config's section for it."""

    config: dict[str, Any]
    kind: type[LeaseElection[Any]]
    directory: Path
    made: list[LeaseElection[Any]]

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
async def scene_of(
    kind: str, directory: Path, postgres: Callable[[], PostgresServer]
) -> AsyncIterator[Scene]:
    if kind == "redis":
        async with valkey() as server, on_valkey(directory, server) as scene:
            yield scene
    else:
        async with on_postgres(directory, postgres()) as scene:
            yield scene

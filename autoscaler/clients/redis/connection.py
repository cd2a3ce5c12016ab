"""A connection to a Redis broker that heals by itself and says what is wrong with the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field, field_validator
from redis.asyncio import Redis
from redis.asyncio.connection import (
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from autoscaler.clients.redis.address import RedisAddress, parse_address
from autoscaler.clients.redis.faults import explain
from autoscaler.errors import AutoscalerError
from autoscaler.interfaces import Options
from autoscaler.secret import Secret

CLOSE_SECONDS = 1.0


class RedisServerOptions(Options):
    """How to reach a Redis or Valkey."""

    url: Secret = Field(
        description="Celery's broker URL: redis://, rediss:// (TLS), unix://, or"
        " sentinel://host:port;host:port/db"
    )
    master_name: str = Field(default="mymaster", description="The primary's name in Sentinel")
    sentinel_password: Secret | None = Field(
        default=None, description="The password of the Sentinels themselves"
    )

    @field_validator("url")
    @classmethod
    def _well_formed(cls, url: Secret) -> Secret:
        parse_address(url.reveal())
        return url


class RedisOptions(RedisServerOptions):
    """How to reach a Redis or Valkey that Celery uses as its broker."""

    key_prefix: str = Field(
        default="", description="Celery's global_keyprefix, if its transport options have one"
    )

    separator: str = Field(
        default="\x06\x16", description="Celery's sep, if its transport options have one"
    )


class RedisConnection:
    """One broker. Secrets are read anew, and Sentinel is asked anew, after every failure."""

    def __init__(self, options: RedisServerOptions, timeout_seconds: float) -> None:
        self.options = options
        self.timeout_seconds = timeout_seconds
        self._client: Redis | None = None
        self._sentinel: Sentinel | None = None
        self._address = RedisAddress()

    @property
    def address(self) -> RedisAddress:
        """What `url` named when the connection was last opened."""
        return self._address

    @contextlib.asynccontextmanager
    async def use(
        self, failure: type[AutoscalerError], timeout_seconds: float | None = None
    ) -> AsyncIterator[Redis]:
        """A client for one exchange of commands, all of it within the timeout.

        Raises `failure`, saying what to do, for whatever goes wrong within.
        """
        async with (
            self.open(failure) as client,
            asyncio.timeout(timeout_seconds or self.timeout_seconds),
        ):
            yield client

    @contextlib.asynccontextmanager
    async def open(self, failure: type[AutoscalerError]) -> AsyncIterator[Redis]:
        """A client for as long as one likes; failures are told as in `use`."""
        try:
            client = self._connected()
        except ValueError as error:
            raise failure(f"the broker's address cannot be used: {error}") from None
        try:
            yield client
        except (RedisError, OSError) as error:
            await self.aclose()
            raise failure(f"{self._address}: {self._explained(error)}") from error

    async def aclose(self) -> None:
        """Close every connection; the next use opens a new one."""
        client, self._client = self._client, None
        sentinel, self._sentinel = self._sentinel, None
        for one in (client, sentinel):
            if one is not None:
                with contextlib.suppress(RedisError, OSError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await one.aclose()

    def _explained(self, error: BaseException) -> str:
        return explain(error, tls=self._address.tls is not None)

    def _connected(self) -> Redis:
        if self._client is None:
            self._address = parse_address(self.options.url.reveal())
            self._client = self._opened(self._address)
        return self._client

    def _opened(self, address: RedisAddress) -> Redis:
        settings = self._settings(address)
        if address.sentinels:
            return self._behind_sentinels(address, settings)
        if address.path:
            pool = ConnectionPool(UnixDomainSocketConnection, path=address.path, **settings)
        else:
            kind = Connection if address.tls is None else SSLConnection
            settings.update(address.tls or {})
            pool = ConnectionPool(kind, host=address.host, port=address.port, **settings)
        return Redis.from_pool(pool)

    def _behind_sentinels(self, address: RedisAddress, settings: dict[str, Any]) -> Redis:
        if address.tls is not None:
            settings.update({"ssl": True, **address.tls})
        secret = self.options.sentinel_password
        login = {"db": 0, "username": None, "password": secret.reveal() if secret else None}
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types here
            address.sentinels, sentinel_kwargs={**settings, **login}, **settings
        )
        client: Redis = self._sentinel.master_for(self.options.master_name)
        return client

    def _settings(self, address: RedisAddress) -> dict[str, Any]:
        """One retry, at once: a connection that idled away is not a failure of the server."""
        return {
            "db": address.database,
            "username": address.username,
            "password": address.password,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 1),
            "socket_timeout": None,
            "socket_connect_timeout": self.timeout_seconds,
        }

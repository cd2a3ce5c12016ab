"""The lease in Redis or Valkey: one key, replaced by comparison within the server."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from autoscaler.clients.redis.connection import RedisConnection, RedisServerOptions
from autoscaler.errors import LeaseError
from autoscaler.interfaces import Context
from autoscaler.leader.election import LeaseElection
from autoscaler.leader.lease import Found, Lease, LeaseOptions, found_in, text_of
from autoscaler.secret import Secret

BROKER_URL = "AUTOSCALER_BROKER_URL"

# KEYS: the lease. ARGV: the text that must be there, empty for none; the text to put in its place.
# Not SET with PX: the key has to outlive the lease, for the term in it and for its absence to mean
# that the data was lost.
REPLACE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class RedisElectionOptions(LeaseOptions, RedisServerOptions):
    """Which Redis keeps the lease."""

    url: Secret = Field(
        default_factory=lambda: Secret(BROKER_URL, "env"),
        validate_default=True,
        description=f"as Celery writes it; left out, that of ${BROKER_URL}",
    )
    key_prefix: str = Field(
        default="autoscaler:lease:", description="the lease is the key of this and `name`"
    )


class RedisElection(LeaseElection[RedisElectionOptions]):
    """A lease in Redis, Valkey or behind Sentinel, such as the broker."""

    options_type = RedisElectionOptions
    durable = False

    def __init__(self, options: RedisElectionOptions, context: Context) -> None:
        super().__init__(options, context)
        self._key = f"{options.key_prefix}{options.name}"
        self._connection = RedisConnection(options, options.exchange_seconds)

    async def read(self) -> Found:
        async with self._connection.use(LeaseError) as client:
            text: Any = await client.get(self._key)
        return found_in((text or b"").decode(errors="replace"), f"the key {self._key}")

    async def replace(self, found: Found, lease: Lease) -> Found | None:
        text = text_of(lease)
        async with self._connection.use(LeaseError) as client:
            done: Any = await client.eval(REPLACE, 1, self._key, found.version, text)
        return Found(lease, text) if done else None

    async def aclose(self) -> None:
        await self._connection.aclose()

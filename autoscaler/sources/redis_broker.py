"""Source `redis_broker`: depth and age of Celery's queues on Redis or Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from redis.exceptions import ResponseError

from autoscaler.clients.redis.connection import RedisConnection, RedisOptions
from autoscaler.clients.redis.faults import explain
from autoscaler.clients.redis.queue_ages import QueueAges
from autoscaler.clients.redis.queues import Command, QueueLayout, RedisQueues
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context, Source, Wake
from autoscaler.model import BrokerState, QueueState

PEEK_SECONDS = 0.5
PEEK_SHARE = 0.02  # of the time that peeks may take
MAX_PAUSE_SECONDS = 10.0
JUMP_RATIO = 1.25
JUMP_TASKS = 5
TRICKLE_SECONDS = 10.0
CLOCK_SKEW_SECONDS = 5.0


class RedisBrokerOptions(RedisOptions):
    """What can be said of Celery's transport options; the defaults are Celery's own."""

    timeout_seconds: float = Field(default=2.0, gt=0, le=60, description="For one read")
    queues: tuple[str, ...] = Field(default=(), description="Queues; default: those of all fleets")
    priority_steps: tuple[int, ...] = Field(
        default=(0, 3, 6, 9), min_length=1, description="Celery's priority_steps"
    )
    unacked_key: str = Field(default="unacked", description="Celery's unacked_key")
    unacked_index_key: str = Field(
        default="unacked_index", description="Celery's unacked_index_key"
    )


class RedisBroker(Source[RedisBrokerOptions]):
    """Reads all queues in one round trip; between the ticks it peeks at them for jumps."""

    options_type = RedisBrokerOptions

    def __init__(self, options: RedisBrokerOptions, context: Context) -> None:
        super().__init__(options, context)
        prefix = options.key_prefix
        self._unacked = prefix + options.unacked_key
        self._unacked_index = prefix + options.unacked_index_key
        self._names = options.queues or context.queues
        layout = QueueLayout(options.priority_steps, options.separator, prefix)
        self._queues = RedisQueues(self._names, layout)
        self._connection = RedisConnection(options, options.timeout_seconds)
        self._turn = asyncio.Lock()
        self._ages = QueueAges()
        self._empty = {name: QueueState(name, 0) for name in self._names}
        self._told: dict[str, int] | None = None
        self._quiet_until: dict[str, float] = {}

    async def read(self, now: float) -> BrokerState:
        """The queues, and what is not acknowledged. Raises SourceError, saying what to do."""
        depths, unreadable, replies = await self._poll(
            [
                ("HLEN", self._unacked),
                ("ZRANGE", self._unacked_index, 0, 0, "WITHSCORES"),
                ("INFO", "replication"),
                ("INFO", "keyspace"),
            ]
        )
        unacked, oldest, replication, keyspace = replies
        await self._must_be_primary(replication)
        self._must_be_in_use(keyspace)
        if self._names and not depths:
            raise SourceError(f"{self._address}: {next(iter(unreadable.values()))}")
        if isinstance(unacked, ResponseError):
            unreadable = {**unreadable, self._unacked: explain(unacked)}
        self._told = depths
        return BrokerState(
            at=now,
            queues=self._states(depths, now),
            unacked_tasks=unacked if isinstance(unacked, int) else None,
            oldest_unacked_age_seconds=_oldest_age(oldest, now),
            unreadable=unreadable,
        )

    async def watch(self, wake: Wake) -> None:
        """Look at the queues every half second, and wake when one fills or grows by much."""
        pause = PEEK_SECONDS
        clock = asyncio.get_running_loop().time
        while self._names:
            await asyncio.sleep(pause)
            began = clock()
            try:
                depths, _, _ = await self._poll(())
            except SourceError:
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
            else:
                self._tell_jumps(depths, wake)
                pause = min(max(PEEK_SECONDS, (clock() - began) / PEEK_SHARE), MAX_PAUSE_SECONDS)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.aclose()

    @property
    def _address(self) -> str:
        return str(self._connection.address)

    async def _poll(
        self, extra: Sequence[Command]
    ) -> tuple[dict[str, int], Mapping[str, str], list[Any]]:
        """Depth by queue, why others cannot be read, and the replies to the extra commands."""
        async with self._turn:
            async with self._connection.use(SourceError) as client:
                reading, replies = await self._queues.read(client, self._ages.marks, extra)
            self._ages.observe(reading, asyncio.get_running_loop().time())
        return dict(reading.depths), reading.unreadable, replies

    def _states(self, depths: Mapping[str, int], now: float) -> dict[str, QueueState]:
        at = asyncio.get_running_loop().time()
        oldest = self._ages.oldest
        return {
            name: QueueState(name, depth, oldest_age_seconds=oldest(name, now, at))
            if depth
            else self._empty[name]
            for name, depth in depths.items()
        }

    def _tell_jumps(self, depths: Mapping[str, int], wake: Wake) -> None:
        """Each jump is told once; a few tasks in an empty queue, as of a trickle, not too often."""
        if self._told is None:
            return
        at = asyncio.get_running_loop().time()
        for name, depth in depths.items():
            told = self._told.get(name, depth)
            jumped = depth >= max(JUMP_RATIO * told, told + JUMP_TASKS)
            if jumped or (depth > told == 0 and at >= self._quiet_until.get(name, at)):
                self._told[name] = depth
                self._quiet_until[name] = at + TRICKLE_SECONDS
                wake(f"queue {name} jumped from {told} to {depth} tasks")

    async def _must_be_primary(self, replication: Any) -> None:
        """A replica may lag behind without end; what it says is not known to be true."""
        if isinstance(replication, dict) and replication.get("role") == "slave":
            await self._connection.aclose()
            raise SourceError(
                f"{self._address} is a read-only replica, whose copy may be old:"
                " point `url` at the primary, or at Sentinel"
            )

    def _must_be_in_use(self, keyspace: Any) -> None:
        """An empty database beside full ones is rather a wrong number than an idle broker."""
        ours = f"db{self._connection.address.database}"
        if isinstance(keyspace, dict) and keyspace and ours not in keyspace:
            others = ", ".join(sorted(keyspace)[:5])
            raise SourceError(
                f"{self._address}: nothing was ever queued in {ours}, but {others} is in use:"
                " is the number at the end of `url` right?"
            )


def _oldest_age(reply: Any, now: float) -> float | None:
    """The age of the oldest entry of `unacked_index`, whose score is when it was delivered."""
    if not isinstance(reply, list) or len(reply) != 2:
        return None
    age = now - float(reply[1])
    return max(0.0, age) if age >= -CLOCK_SKEW_SECONDS else None

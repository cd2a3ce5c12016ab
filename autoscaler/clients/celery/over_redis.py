"""Celery's remote control and worker events over Redis: asyncio, no thread, no Celery app.

A question is published to all workers; each answers into a list, the asker's reply queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from autoscaler.clients.celery.events import subscribed_events
from autoscaler.clients.celery.question import CeleryNames, Question
from autoscaler.clients.celery.remote import RemoteControl, WorkerEvent
from autoscaler.clients.redis.connection import RedisConnection
from autoscaler.errors import ControlError

LINGER_SECONDS = 0.05  # for answers beyond those that were awaited
SHORTEST_WAIT_SECONDS = 0.01  # as BRPOP takes 0 for ever
DUPLICATE_SECONDS = 60.0


class RedisRemoteControl(RemoteControl):
    """One Redis database's channel to its workers."""

    def __init__(self, connection: RedisConnection, names: CeleryNames) -> None:
        self._connection = connection
        # A call that fails closes its connection; the events are not to be lost for that.
        self._listening = RedisConnection(connection.options, connection.timeout_seconds)
        self._names = names
        self._askers: list[str] = []
        self._idle: list[str] = []
        self._answered_twice: dict[str, float] = {}

    @property
    def duplicates(self) -> frozenset[str]:
        since = asyncio.get_running_loop().time() - DUPLICATE_SECONDS
        return frozenset(name for name, at in self._answered_twice.items() if at >= since)

    async def call(
        self,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        destination: Collection[str] | None = None,
        expected: Collection[str] = (),
        timeout_seconds: float = 1.0,
    ) -> Mapping[str, Any]:
        if destination is not None and not destination:
            return {}
        awaited = frozenset(expected if destination is None else destination)
        asker = self._asker()
        question = Question(asker, method, arguments or {}, destination, awaited)
        patience = timeout_seconds + self._connection.timeout_seconds
        try:
            async with self._connection.use(ControlError, patience) as client:
                await self._ask(client, question)
                await self._collect(client, question, timeout_seconds)
                if not question.complete:
                    await self._unbind(client, [asker])
        finally:
            self._idle.append(asker)
        at = asyncio.get_running_loop().time()
        self._answered_twice.update(dict.fromkeys(question.answered_twice, at))
        if question.unreadable and not question.answers:
            raise ControlError(f"{self._connection.address}: workers sent {question.unreadable}")
        return question.answers

    async def events(self) -> AsyncIterator[WorkerEvent]:
        async with self._listening.open(ControlError) as client:
            pool: Any = client.connection_pool
            connection = await pool.get_connection()
            try:
                pattern = self._names.worker_events(self._listening.address.database)
                patience = self._listening.timeout_seconds
                async for event in subscribed_events(connection, pattern, patience):
                    yield event
            finally:
                await connection.disconnect(nowait=True)
                await pool.release(connection)

    async def aclose(self) -> None:
        """Take the reply queues out of the broker and close the connection."""
        askers, self._askers, self._idle = self._askers, [], []
        if askers:
            with contextlib.suppress(ControlError):
                async with self._connection.use(ControlError) as client:
                    await self._unbind(client, askers)
        await self._connection.aclose()
        await self._listening.aclose()

    def _asker(self) -> str:
        """One that is not waiting for answers; late answers to it are known by their ticket."""
        if not self._idle:
            self._idle.append(str(uuid.uuid4()))
            self._askers.append(self._idle[-1])
        return self._idle.pop()

    async def _unbind(self, client: Redis, askers: Collection[str]) -> None:
        """From now on workers drop what they still answer; what they have answered is dropped."""
        pipe = client.pipeline(transaction=False)
        pipe.srem(self._names.reply_binding, *map(self._names.reply_member, askers))
        pipe.delete(*map(self._names.reply_key, askers))
        await pipe.execute()

    async def _ask(self, client: Redis, question: Question) -> None:
        """Publish the question. The binding is written each time, since workers sweep old ones."""
        names, asker = self._names, question.asker
        pipe = client.pipeline(transaction=False)
        pipe.sadd(names.reply_binding, names.reply_member(asker))
        channel = names.control_channel(self._connection.address.database)
        pipe.publish(channel, question.message(names))
        replies = await pipe.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise reply
        question.subscribers = replies[-1]

    async def _collect(self, client: Redis, question: Question, timeout_seconds: float) -> None:
        key = self._names.reply_key(question.asker)
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_seconds
        while not question.complete and (left := deadline - clock()) > 0:
            if question.satisfied:
                await asyncio.sleep(min(left, LINGER_SECONDS))
                return await self._take_all(client, question)
            popped: Any = await client.brpop([key], timeout=max(left, SHORTEST_WAIT_SECONDS))
            if popped is not None:
                question.take(popped[1])
                if not question.complete:
                    await self._take_all(client, question)
        return None

    async def _take_all(self, client: Redis, question: Question) -> None:
        """Take every answer that has come."""
        key = self._names.reply_key(question.asker)
        pipe = client.pipeline(transaction=True)
        pipe.lrange(key, 0, -1)
        pipe.delete(key)
        envelopes, _ = await pipe.execute()
        for envelope in reversed(envelopes):
            question.take(envelope)

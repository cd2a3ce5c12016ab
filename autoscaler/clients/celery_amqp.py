"""Celery's remote control and worker events over RabbitMQ."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import amqp

from autoscaler.clients.amqp_thread import AmqpThread
from autoscaler.clients.celery_remote import RemoteControl, WorkerEvent, worker_event
from autoscaler.errors import ControlError
from autoscaler.secret import Secret

REQUESTS = "celery.pidbox"
REPLIES = "reply.celery.pidbox"
EVENTS = "celeryev"
EVENTS_CONSUMER = "events"
EVENT_LIFE_MILLISECONDS = 5_000
MOST_EVENTS = 10_000
MOST_BODY_CHARACTERS = 1_048_576


class AmqpRemoteControl(RemoteControl):
    """Requests and replies of many calls at once, over one connection in one thread.

    Worker names, queue names and settings of the exchanges are those of Celery 5.
    """

    def __init__(self, url: Secret | str, timeout_seconds: float) -> None:
        """timeout_seconds: how long the broker, not the workers, may take."""
        self._calls: dict[str, _Call] = {}
        self._streams: set[_Stream] = set()
        self._reply_key = ""
        secret = Secret(url) if isinstance(url, str) else url
        self._thread = AmqpThread(secret, timeout_seconds, ControlError, self._listen, self._lost)

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
        call = _Call(expected if destination is None else destination)
        ticket = str(uuid4())
        request = {
            "method": method,
            "arguments": dict(arguments or {}),
            "destination": None if destination is None else list(destination),
            "pattern": None,
            "matcher": None,
            "ticket": ticket,
        }
        self._calls[ticket] = call
        try:
            await self._thread.run(partial(self._publish, request, timeout_seconds))
            return await call.outcome(timeout_seconds)
        finally:
            del self._calls[ticket]

    async def events(self) -> AsyncIterator[WorkerEvent]:
        stream = _Stream()
        self._streams.add(stream)
        try:
            await self._thread.run(self._subscribe)
            while True:
                yield await stream.next()
        finally:
            self._streams.discard(stream)

    async def aclose(self) -> None:
        await self._thread.aclose()

    def _listen(self, channel: amqp.Channel) -> None:
        """In the thread: a reply queue of our own, new with each connection."""
        self._reply_key = str(uuid4())
        queue = f"{self._reply_key}.{REPLIES}"
        channel.exchange_declare(REQUESTS, "fanout", durable=False, auto_delete=False)
        channel.exchange_declare(REPLIES, "direct", durable=False, auto_delete=False)
        channel.queue_declare(queue, exclusive=True, arguments={"x-max-length": MOST_EVENTS})
        channel.queue_bind(queue, REPLIES, self._reply_key)
        channel.basic_consume(queue, no_ack=True, callback=self._on_reply)

    def _subscribe(self, channel: amqp.Channel) -> None:
        """In the thread: the events of workers, none that waited for too long."""
        if EVENTS_CONSUMER in channel.callbacks:
            return
        limits = {"x-message-ttl": EVENT_LIFE_MILLISECONDS, "x-max-length": MOST_EVENTS}
        queue = f"{EVENTS}.{self._reply_key}"
        channel.exchange_declare(EVENTS, "topic", durable=True, auto_delete=False)
        channel.queue_declare(queue, exclusive=True, arguments=limits)
        channel.queue_bind(queue, EVENTS, "worker.#")
        channel.basic_consume(queue, EVENTS_CONSUMER, no_ack=True, callback=self._on_event)

    def _publish(
        self, request: Mapping[str, Any], timeout_seconds: float, channel: amqp.Channel
    ) -> None:
        """In the thread: send; it expires, as a late worker must not obey an old request."""
        reply_to = {"exchange": REPLIES, "routing_key": self._reply_key}
        message = amqp.Message(
            json.dumps({**request, "reply_to": reply_to}),
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            expiration=str(round(timeout_seconds * 1_000)),
        )
        channel.basic_publish(message, REQUESTS)

    def _on_reply(self, message: amqp.Message) -> None:
        """In the thread."""
        replies = _decoded(message)
        ticket = (message.headers or {}).get("ticket")
        if isinstance(replies, dict) and isinstance(ticket, str):
            self._thread.call_soon(self._reply, ticket, replies)

    def _on_event(self, message: amqp.Message) -> None:
        """In the thread."""
        event = worker_event(_decoded(message))
        if event is not None:
            self._thread.call_soon(self._event, event)

    def _reply(self, ticket: str, replies: dict[str, Any]) -> None:
        if ticket in self._calls:
            self._calls[ticket].add(replies)

    def _event(self, event: WorkerEvent) -> None:
        for stream in self._streams:
            stream.put(event)

    def _lost(self, reason: str) -> None:
        for call in self._calls.values():
            call.fail(reason)
        for stream in self._streams:
            stream.fail(reason)


class _Call:
    """One request and the replies to it so far."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = frozenset(wanted)
        self._replies: dict[str, Any] = {}
        self._finished = asyncio.Event()
        self._fault = ""

    def add(self, replies: Mapping[str, Any]) -> None:
        self._replies.update(replies)
        if self._wanted and self._wanted <= self._replies.keys():
            self._finished.set()

    def fail(self, fault: str) -> None:
        self._fault = fault
        self._finished.set()

    async def outcome(self, timeout_seconds: float) -> Mapping[str, Any]:
        """The replies, once all are in or the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._finished.wait()
        except TimeoutError:
            return self._replies
        if self._fault:
            raise ControlError(self._fault)
        return self._replies


class _Stream:
    """Events for one reader. One that falls behind is told so, and has to ask for all anew."""

    def __init__(self) -> None:
        self._events: deque[WorkerEvent] = deque()
        self._filled = asyncio.Event()
        self._fault = ""

    def put(self, event: WorkerEvent) -> None:
        if len(self._events) >= MOST_EVENTS:
            self.fail(f"{MOST_EVENTS} worker events were not read in time")
        if not self._fault:
            self._events.append(event)
            self._filled.set()

    def fail(self, fault: str) -> None:
        self._fault = self._fault or fault
        self._filled.set()

    async def next(self) -> WorkerEvent:
        while not self._events:
            if self._fault:
                raise ControlError(self._fault)
            self._filled.clear()
            await self._filled.wait()
        return self._events.popleft()


def _decoded(message: amqp.Message) -> Any:
    """The JSON in a message; None for what is too large or is none. Nothing else is accepted."""
    if len(message.body) > MOST_BODY_CHARACTERS:
        return None
    try:
        return json.loads(message.body)
    except (ValueError, RecursionError):
        return None

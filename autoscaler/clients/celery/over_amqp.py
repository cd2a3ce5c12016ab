"""Celery's remote control and worker events over RabbitMQ."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import amqp

from autoscaler.clients.amqp.thread import AmqpThread
from autoscaler.clients.celery.question import CeleryNames, Question
from autoscaler.clients.celery.remote import RemoteControl, WorkerEvent, worker_event
from autoscaler.clients.celery.replies import parse_without_arguments
from autoscaler.errors import ControlError
from autoscaler.secret import Secret

EVENTS_CONSUMER = "events"
EVENT_LIFE_MILLISECONDS = 5_000
MOST_EVENTS = 10_000


class AmqpRemoteControl(RemoteControl):
    """Questions and answers of many calls at once, over one connection in one thread.

    timeout_seconds: how long the broker, not the workers, may take. Two workers of one name share
    a queue here, or the second is refused, so that none is seen to answer twice.
    """

    def __init__(
        self, url: Secret, timeout_seconds: float, names: CeleryNames | None = None
    ) -> None:
        self._names = names or CeleryNames()
        self._calls: dict[str, _Call] = {}
        self._streams: set[_Stream] = set()
        self._asker = ""
        self._thread = AmqpThread(
            url,
            timeout_seconds,
            ControlError,
            prepare=self._listen,
            lost=self._lost,
            urgent=lambda: bool(self._calls),
        )

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
        call = _Call(Question("", method, arguments or {}, destination, awaited))
        ticket = call.question.ticket
        self._calls[ticket] = call
        try:
            await self._thread.run(partial(self._publish, call.question, timeout_seconds))
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
        self._asker = str(uuid4())
        replies = self._names.reply_exchange
        queue = f"{self._asker}.{replies}"
        channel.exchange_declare(self._requests, "fanout", durable=False, auto_delete=False)
        channel.exchange_declare(replies, "direct", durable=False, auto_delete=False)
        channel.queue_declare(queue, exclusive=True, arguments={"x-max-length": MOST_EVENTS})
        channel.queue_bind(queue, replies, self._asker)
        channel.basic_consume(queue, no_ack=True, callback=self._on_reply)

    def _subscribe(self, channel: amqp.Channel) -> None:
        """In the thread: the events of workers, none that waited for too long."""
        if EVENTS_CONSUMER in channel.callbacks:
            return
        events = self._names.event_exchange
        limits = {"x-message-ttl": EVENT_LIFE_MILLISECONDS, "x-max-length": MOST_EVENTS}
        queue = f"{events}.{self._asker}"
        channel.exchange_declare(events, "topic", durable=True, auto_delete=False)
        channel.queue_declare(queue, exclusive=True, arguments=limits)
        channel.queue_bind(queue, events, "worker.#")
        channel.basic_consume(queue, EVENTS_CONSUMER, no_ack=True, callback=self._on_event)

    def _publish(self, question: Question, timeout_seconds: float, channel: amqp.Channel) -> None:
        """In the thread: send, and have the broker confirm, as silence is not the workers' then.

        It expires, as a worker that was away must not obey what is past.
        """
        question.asker = self._asker
        message = amqp.Message(
            question.body(self._names),
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            expiration=str(round(timeout_seconds * 1_000)),
        )
        channel.basic_publish_confirm(message, self._requests)

    @property
    def _requests(self) -> str:
        return f"{self._names.control_exchange}.pidbox"

    def _on_reply(self, message: amqp.Message) -> None:
        """In the thread."""
        reply = {
            "headers": message.headers or {},
            "content-type": message.properties.get("content_type"),
            "properties": {},
            "body": message.body,
        }
        self._thread.call_soon(self._receive, reply)

    def _on_event(self, message: amqp.Message) -> None:
        """In the thread."""
        try:
            event = worker_event(parse_without_arguments(message.body))
        except (ValueError, RecursionError):
            return
        if event is not None:
            self._thread.call_soon(self._tell, event)

    def _receive(self, reply: Mapping[str, Any]) -> None:
        call = self._calls.get(str(reply["headers"].get("ticket")))
        if call is not None:
            call.receive(reply)

    def _tell(self, event: WorkerEvent) -> None:
        for stream in self._streams:
            stream.put(event)

    def _lost(self, reason: str) -> None:
        for call in self._calls.values():
            call.fail(reason)
        for stream in self._streams:
            stream.fail(reason)


class _Call:
    """A question, and the wait for its answers."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._finished = asyncio.Event()
        self._fault = ""

    def receive(self, reply: Mapping[str, Any]) -> None:
        self.question.receive(reply)
        if self.question.satisfied:
            self._finished.set()

    def fail(self, fault: str) -> None:
        self._fault = fault
        self._finished.set()

    async def outcome(self, timeout_seconds: float) -> Mapping[str, Any]:
        """The answers, once all are in or the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._finished.wait()
        except TimeoutError:
            pass
        if self._fault:
            raise ControlError(self._fault)
        if self.question.unreadable and not self.question.answers:
            raise ControlError(f"workers sent {self.question.unreadable}")
        return dict(self.question.answers)


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

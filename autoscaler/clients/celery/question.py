"""One question to Celery workers, and the answers to it so far."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from autoscaler.clients.celery.replies import MAX_BYTES, parse_without_arguments

MAX_ENVELOPE_BYTES = 2 * MAX_BYTES


@dataclass(frozen=True, slots=True)
class CeleryNames:
    """The parts of Celery's configuration that name its channels; the defaults are Celery's own."""

    control_exchange: str = "celery"
    event_exchange: str = "celeryev"
    fanout_prefix: str = "/{db}."
    prefix: str = ""
    separator: str = "\x06\x16"

    @property
    def reply_exchange(self) -> str:
        return f"reply.{self.control_exchange}.pidbox"

    @property
    def reply_binding(self) -> str:
        """The key of the set that says which reply queues there are."""
        return f"{self.prefix}_kombu.binding.{self.reply_exchange}"

    def reply_member(self, asker: str) -> str:
        """An asker's own reply queue, as that set has it."""
        return self.separator.join((asker, "", f"{asker}.{self.reply_exchange}"))

    def reply_key(self, asker: str) -> str:
        """The list that an asker's answers come into."""
        return f"{self.prefix}{asker}.{self.reply_exchange}"

    def control_channel(self, database: int) -> str:
        """The channel that every worker listens on."""
        return self._fanout(database) + f"{self.control_exchange}.pidbox"

    def worker_events(self, database: int) -> str:
        """The pattern of the channels of worker events."""
        return self._fanout(database) + f"{self.event_exchange}/worker.*"

    def _fanout(self, database: int) -> str:
        return self.prefix + self.fanout_prefix.replace("{db}", str(database))


@dataclass(slots=True)
class Question:
    """Asked of all workers, or of a destination; `awaited` are those whose answers we wait for.

    subscribers: how many workers heard it.
    """

    asker: str
    method: str
    arguments: Mapping[str, Any]
    destination: Collection[str] | None
    awaited: frozenset[str]
    subscribers: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    answered_twice: set[str] = field(default_factory=set)
    unreadable: str = ""
    ticket: str = field(default_factory=lambda: uuid.uuid4().hex)
    _count: int = 0

    def body(self, names: CeleryNames) -> str:
        """What the workers read, as JSON."""
        body = {
            "method": self.method,
            "arguments": self.arguments,
            "destination": None if self.destination is None else sorted(self.destination),
            "pattern": None,
            "matcher": None,
            "ticket": self.ticket,
            "reply_to": {"exchange": names.reply_exchange, "routing_key": self.asker},
        }
        return json.dumps(body)

    def message(self, names: CeleryNames) -> str:
        """The message as kombu writes it to Redis."""
        properties = {
            "delivery_mode": 1,
            "delivery_info": {"exchange": f"{names.control_exchange}.pidbox", "routing_key": ""},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        }
        envelope = {
            "body": base64.b64encode(self.body(names).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"clock": 1, "expires": 0},
            "properties": properties,
        }
        return json.dumps(envelope)

    def take(self, envelope: bytes) -> None:
        """Take in one message of the reply queue; answers to other questions are dropped."""
        if len(envelope) > MAX_ENVELOPE_BYTES:
            self.unreadable = f"an answer of {len(envelope)} bytes"
            return
        try:
            self.receive(json.loads(envelope))
        except (ValueError, RecursionError):
            self.unreadable = self.unreadable or "an answer that is no message of Celery's"

    def receive(self, message: Any) -> None:
        """Take in one message: a mapping with `headers`, `content-type`, `properties`, `body`."""
        try:
            if message["headers"].get("ticket") != self.ticket:
                return
            answers = self._opened(message)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.unreadable = self.unreadable or "an answer that is no message of Celery's"
            return
        self._count += 1
        for name, answer in answers.items():
            if self.destination is None or name in self.awaited:
                if name in self.answers:
                    self.answered_twice.add(name)
                self.answers[name] = answer

    @property
    def satisfied(self) -> bool:
        """Whether all have answered for whom we wait."""
        return bool(self.awaited) and self.awaited <= self.answers.keys()

    @property
    def complete(self) -> bool:
        """Whether nobody is left who could answer."""
        if self.destination is None:
            return self._count >= self.subscribers
        return self.satisfied or self.subscribers == 0

    def _opened(self, message: dict[str, Any]) -> dict[str, Any]:
        kind = message["content-type"]
        if kind != "application/json":
            self.unreadable = f"answers of the type {str(kind)[:80]}: set task_serializer = 'json'"
            return {}
        body = message["body"]
        if message["properties"].get("body_encoding") == "base64":
            body = base64.b64decode(body)
        opened = parse_without_arguments(body)
        return opened if isinstance(opened, dict) else {}

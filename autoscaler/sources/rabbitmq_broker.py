"""Source of queue depths on RabbitMQ, over its management API or by passive declare."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import amqp
from pydantic import Field, field_validator

from autoscaler.clients.amqp.address import parse_addresses
from autoscaler.clients.amqp.thread import AmqpThread
from autoscaler.clients.http import MEBIBYTE, HttpClient, Reply
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context, Options, Source
from autoscaler.model import BrokerState, QueueState
from autoscaler.secret import Secret, redact_url

QUEUE_COLUMNS = "name,state,messages_ready,messages_unacknowledged,consumers,head_message_timestamp"
NODE_COLUMNS = "name,mem_alarm,disk_free_alarm,partitions"
BROKEN_STATES = frozenset({"crashed", "down", "minority", "stopped", "terminated"})
MOST_COUNTED = 2**63
MOST_BODY_BYTES = 16 * MEBIBYTE


class RabbitmqBrokerOptions(Options):
    """Where the broker is, and what to read."""

    url: Secret = Field(description="Celery's broker URL: amqp://, or amqps:// for TLS")
    management_url: Secret | None = Field(
        default=None,
        description="management API, as http://rabbitmq:15672; login as in url if left out",
    )
    vhost: str | None = Field(default=None, description="virtual host; that of url if left out")
    queues: tuple[str, ...] = Field(
        default=(), description="queues to read; those of all fleets if left out"
    )
    timeout_seconds: float = Field(default=4, gt=0, description="how long one poll may take")

    @field_validator("url")
    @classmethod
    def _well_formed(cls, url: Secret) -> Secret:
        parse_addresses(url.reveal())
        return url


class RabbitmqBroker(Source[RabbitmqBrokerOptions]):
    """Reads each queue's waiting tasks and consumers.

    Passive declare tells both exactly. The management API tells unacknowledged tasks as well, a
    few seconds late, and whether publishers are blocked. Neither tells how old tasks are, unless
    the producers set the messages' timestamp.
    """

    options_type = RabbitmqBrokerOptions

    def __init__(self, options: RabbitmqBrokerOptions, context: Context) -> None:
        super().__init__(options, context)
        self._queues = options.queues or context.queues
        self._client = HttpClient(options.timeout_seconds, SourceError, MOST_BODY_BYTES)
        self._thread = AmqpThread(
            options.url, options.timeout_seconds, SourceError, virtual_host=options.vhost
        )

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._thread.aclose()

    async def read(self, now: float) -> BrokerState:
        if self.options.management_url is not None:
            return await self._ask_management(self.options.management_url, now)
        queues, unreadable = await self._thread.run(partial(_declare, self._queues))
        if unreadable and not queues:
            raise SourceError(_join(unreadable))
        return BrokerState(at=now, queues=queues, unreadable=unreadable)

    async def _ask_management(self, url: Secret, now: float) -> BrokerState:
        try:
            address = parse_addresses(self.options.url.reveal())[0]
            base = url.reveal().rstrip("/")
        except ValueError as error:
            raise SourceError(str(error)) from error
        host = quote(self.options.vhost or address.virtual_host, safe="")
        login = (address.user, address.password)
        listed, nodes = await asyncio.gather(
            self._get(f"{base}/api/queues/{host}", QUEUE_COLUMNS, login),
            self._get(f"{base}/api/nodes", NODE_COLUMNS, login),
        )
        found = _records(listed)
        if found is None:
            raise SourceError(f"{redact_url(base)} {_fault(listed)}")
        # Only users with the tag `monitoring` may ask for nodes; without, alarms are not known.
        alarms = "; ".join(_alarms(_records(nodes) or ()))
        return _state(self._queues, found, alarms, now)

    async def _get(self, url: str, columns: str, login: tuple[str, str]) -> Reply:
        try:
            return await self._client.request("GET", url, params={"columns": columns}, login=login)
        except SourceError as error:
            raise SourceError(f"{redact_url(url)}: {error}") from error


def _declare(
    names: Sequence[str], channel: amqp.Channel
) -> tuple[dict[str, QueueState], dict[str, str]]:
    """Each queue's ready tasks and consumers, exactly, and why others could not be read."""
    queues: dict[str, QueueState] = {}
    unreadable: dict[str, str] = {}
    for name in names:
        try:
            declared = channel.queue_declare(name, passive=True)
        except amqp.ChannelError as error:  # py-amqp has opened the channel again by now
            unreadable[name] = _why_not_declared(error)
        else:
            queues[name] = QueueState(
                name, waiting=declared.message_count, consumers=declared.consumer_count
            )
    return queues, unreadable


def _why_not_declared(error: amqp.ChannelError) -> str:
    if isinstance(error, amqp.NotFound):
        return "there is no such queue; its first task or worker makes it"
    return f"it may not be read: {error.reply_text}"


def _state(
    names: Sequence[str], found: Iterable[Mapping[str, Any]], alarms: str, now: float
) -> BrokerState:
    """While publishers are blocked, depths are kept, but marked as no ground to lower anything."""
    by_name = {queue.get("name"): queue for queue in found}
    queues: dict[str, QueueState] = {}
    unreadable: dict[str, str] = {}
    for name in names:
        queue = _queue(name, by_name.get(name), now)
        if isinstance(queue, QueueState):
            queues[name] = queue
            if alarms:
                unreadable[name] = f"tasks may be held back by their senders: {alarms}"
        else:
            unreadable[name] = queue
    if unreadable and not queues:
        raise SourceError(_join(unreadable))
    unacked = [queue.unacked for queue in queues.values()]
    known = [count for count in unacked if count is not None]
    return BrokerState(
        at=now,
        queues=queues,
        unacked_tasks=sum(known) if len(known) == len(names) else None,
        unreadable=unreadable,
    )


def _queue(name: str, record: Mapping[str, Any] | None, now: float) -> QueueState | str:
    """A queue of the management API, or why it cannot be read. Columns not there are not 0."""
    if record is None:
        return "there is no such queue; its first task or worker makes it"
    if record.get("state") in BROKEN_STATES:
        return f"the queue is {record['state']}"
    waiting = _count(record.get("messages_ready"))
    if waiting is None:
        return "the broker's statistics do not tell its depth (yet)"
    head = _count(record.get("head_message_timestamp"))
    return QueueState(
        name,
        waiting=waiting,
        unacked=_count(record.get("messages_unacknowledged")),
        consumers=_count(record.get("consumers")),
        oldest_age_seconds=max(0.0, now - head) if head and waiting else None,
    )


def _alarms(nodes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        name = node.get("name")
        if node.get("mem_alarm") is True:
            yield f"memory alarm on {name}, publishers are blocked"
        if node.get("disk_free_alarm") is True:
            yield f"disk alarm on {name}, publishers are blocked"
        if node.get("partitions"):
            yield f"{name} is partitioned from {node['partitions']}"


def _records(reply: Reply) -> list[Mapping[str, Any]] | None:
    """The JSON list of objects in an answer; None when it holds no such thing."""
    try:
        records = json.loads(reply.body) if reply.ok else None
    except (ValueError, RecursionError):
        return None
    if isinstance(records, list) and all(isinstance(record, dict) for record in records):
        return records
    return None


def _fault(reply: Reply) -> str:
    return "did not answer with the management API's JSON" if reply.ok else reply.refusal


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < MOST_COUNTED else None


def _join(unreadable: Mapping[str, str]) -> str:
    return "; ".join(f"queue {name}: {why}" for name, why in unreadable.items())

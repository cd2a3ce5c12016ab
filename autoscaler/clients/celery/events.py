"""Worker events from Redis pub/sub, many at a time: waking for each would cost most of all."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from autoscaler.clients.celery.remote import WorkerEvent, worker_event

GATHER_SECONDS = 0.1
PING_AFTER_SECONDS = 10.0
READ_BYTES = 2**18
MANY_BYTES = 2**16  # about 100 events: more than these are not gathered
MAX_EVENT_BYTES = 65_536


async def subscribed_events(
    connection: Any, pattern: str, timeout_seconds: float
) -> AsyncIterator[WorkerEvent]:
    """The events of the channels that the pattern names, for as long as the connection lives.

    connection: one of redis-py's, for nobody else. Its streams are read here and not by its PubSub,
    which wakes for every message, and which hides reconnections and so lost events.
    Raises redis.RedisError, OSError, TimeoutError.
    """
    reader, transport = connection._reader, connection._writer.transport
    parser = hiredis.Reader(replyError=ResponseError)
    await connection.send_command("PSUBSCRIBE", pattern)
    while True:
        data = await _read(reader, connection, timeout_seconds)
        parser.feed(data)
        while (message := parser.gets()) is not False:
            event = _event(message)
            if event is not None:
                yield event
        if len(data) < MANY_BYTES:
            transport.pause_reading()
            await asyncio.sleep(GATHER_SECONDS)
            transport.resume_reading()


async def _read(reader: asyncio.StreamReader, connection: Any, timeout_seconds: float) -> bytes:
    """What has come. Silence is probed, so that a dead connection is found out."""
    try:
        async with asyncio.timeout(PING_AFTER_SECONDS):
            data = await reader.read(READ_BYTES)
    except TimeoutError:
        await connection.send_command("PING")
        async with asyncio.timeout(timeout_seconds):
            data = await reader.read(READ_BYTES)
    if not data:
        raise RedisConnectionError("Connection closed by server.")
    return data


def _event(message: Any) -> WorkerEvent | None:
    if isinstance(message, ResponseError):
        raise message
    if not isinstance(message, list) or message[0] != b"pmessage":
        return None
    envelope = message[3]
    if len(envelope) > MAX_EVENT_BYTES:
        return None
    try:
        return worker_event(json.loads(base64.b64decode(json.loads(envelope)["body"])))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None

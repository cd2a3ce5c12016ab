"""Celery's queues on Redis, however many, in one round trip and without their messages.

A queue is one list for each priority step, new messages at its head; an empty list has no key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, NoScriptError, ResponseError

from autoscaler.clients.redis.faults import explain
from autoscaler.clients.redis.script import DIGEST, SCRIPT

Command = tuple[str | int, ...]
Marks = Callable[[str], Mapping[int, str]]  # of a queue: the last mark by priority step

QUEUES_PER_SCRIPT = 500  # keeps Redis busy for about 1 ms at a time
LOOKS_PER_READ = 128  # queues whose lists are looked at; a look costs Redis about 5 µs
LOOKS_FOR_MARKS = 2_000  # messages a script may look at to find the last marks
MAX_NAME_BYTES = 1_024
READS_WITHOUT_SCRIPTS = 120  # before trying scripts again where they were forbidden


@dataclass(frozen=True, slots=True)
class QueueLayout:
    """How Celery's transport options make keys of queues; the defaults are Celery's own."""

    priority_steps: Sequence[int] = (0, 3, 6, 9)
    separator: str = "\x06\x16"
    prefix: str = ""
    unacked: str = "unacked"
    unacked_index: str = "unacked_index"

    @property
    def suffixes(self) -> list[str]:
        """What a key ends with for each priority step: nothing for the step of 0."""
        return [f"{self.separator}{step}" if step else "" for step in self.priority_steps]


@dataclass(frozen=True, slots=True)
class ListReading:
    """One list that was looked at, and was not empty.

    mark: names its newest message. arrived: how many messages are newer than the mark of the last
    look, or with `at_least` no fewer; None without a mark. sent_at: when its oldest message was
    sent (Unix seconds), if a header says so.
    """

    queue: str
    step: int
    length: int
    mark: str
    arrived: int | None = None
    at_least: bool = False
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class QueuesReading:
    """Tasks waiting by queue; why others could not be read; and what was looked at.

    looked_at: the queues that are not empty and whose lists are all in `lists`.
    """

    depths: Mapping[str, int]
    unreadable: Mapping[str, str]
    looked_at: Sequence[str] = ()
    lists: Sequence[ListReading] = ()


class RedisQueues:
    """Reads the same queues again and again."""

    def __init__(self, queues: Iterable[str], layout: QueueLayout) -> None:
        names = list(dict.fromkeys(queues))
        self._too_long = {
            name: f"its name is longer than {MAX_NAME_BYTES} bytes: shorten it"
            for name in names
            if len(name.encode()) > MAX_NAME_BYTES
        }
        names = [name for name in names if name not in self._too_long]
        starts = range(0, len(names), QUEUES_PER_SCRIPT)
        self._chunks = [names[at : at + QUEUES_PER_SCRIPT] for at in starts]
        self._keys = [[layout.prefix + name for name in chunk] for chunk in self._chunks]
        self._keys_json = [json.dumps(keys) for keys in self._keys]
        self._suffixes = layout.suffixes
        self._suffixes_json = json.dumps(layout.suffixes)
        self._turns = 1
        self._turn = 0
        self._reads_without_scripts = 0

    async def read(
        self, client: Redis, marks: Marks, extra: Sequence[Command] = ()
    ) -> tuple[QueuesReading, list[Any]]:
        """Read the depth of every queue, and look at the lists of as many as is cheap, in turn.

        The extra commands go in the same round trip; their replies, or errors, are returned too.
        Raises redis.RedisError. Where scripts are forbidden it only counts.
        """
        if self._reads_without_scripts == 0:
            try:
                return await self._look(client, marks, extra)
            except ResponseError as error:
                if not _forbidden(error):
                    raise
            self._reads_without_scripts = READS_WITHOUT_SCRIPTS
        self._reads_without_scripts -= 1
        return await self._count(client, extra)

    async def _look(
        self, client: Redis, marks: Marks, extra: Sequence[Command]
    ) -> tuple[QueuesReading, list[Any]]:
        arguments = list(self._arguments(marks))
        for script in (("EVALSHA", DIGEST), ("EVAL", SCRIPT)):
            commands = [(*script, 0, *given) for given in arguments]
            replies = await _pipelined(client, [*commands, *extra])
            scripts, rest = replies[: len(commands)], replies[len(commands) :]
            error = next((reply for reply in scripts if isinstance(reply, ResponseError)), None)
            if not isinstance(error, NoScriptError):
                break
        if error is not None:
            raise error
        return self._looked(scripts), rest

    def _arguments(self, marks: Marks) -> Iterator[Command]:
        """The arguments of the script for each chunk of queues."""
        for keys, chunk in zip(self._keys_json, self._chunks, strict=True):
            known = {
                f"{place}:{step}": mark
                for place, queue in self._in_turn(chunk)
                for step, mark in marks(queue).items()
            }
            limits = (LOOKS_FOR_MARKS, self._turns, self._turn)
            yield keys, self._suffixes_json, json.dumps(known), *limits

    def _in_turn(self, chunk: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The queues of a chunk to be looked at this time, each with its place in the chunk."""
        first = self._turn or self._turns
        places = range(first, len(chunk) + 1, self._turns)
        return zip(places, chunk[first - 1 :: self._turns], strict=True)

    def _looked(self, replies: Iterable[Any]) -> QueuesReading:
        depths: dict[str, int] = {}
        unreadable = dict(self._too_long)
        lists: list[ListReading] = []
        looked_at: list[str] = []
        for chunk, (counted, errors, looked) in zip(self._chunks, replies, strict=True):
            depths.update(zip(chunk, counted, strict=True))
            for place, error in errors:
                depths.pop(chunk[place - 1], None)
                unreadable[chunk[place - 1]] = explain(
                    ResponseError(str(error, "utf-8", "replace"))
                )
            lists.extend(_list_reading(chunk[row[0] - 1], *row[1:]) for row in looked)
            looked_at.extend(name for _, name in self._in_turn(chunk) if depths.get(name))
        filled = len(depths) - list(depths.values()).count(0)
        self._turns = max(1, -(-filled // LOOKS_PER_READ))
        self._turn = (self._turn + 1) % self._turns
        return QueuesReading(depths, unreadable, looked_at, lists)

    async def _count(
        self, client: Redis, extra: Sequence[Command]
    ) -> tuple[QueuesReading, list[Any]]:
        lists = [
            (queue, key + suffix)
            for chunk, keys in zip(self._chunks, self._keys, strict=True)
            for queue, key in zip(chunk, keys, strict=True)
            for suffix in self._suffixes
        ]
        replies = await _pipelined(client, [*(("LLEN", key) for _, key in lists), *extra])
        depths: dict[str, int] = {}
        unreadable = dict(self._too_long)
        for (queue, _), length in zip(lists, replies, strict=False):
            if isinstance(length, ResponseError):
                unreadable[queue] = explain(length)
            else:
                depths[queue] = depths.get(queue, 0) + length
        readable = {queue: depth for queue, depth in depths.items() if queue not in unreadable}
        return QueuesReading(readable, unreadable), replies[len(lists) :]


async def _pipelined(client: Redis, commands: Sequence[Command]) -> list[Any]:
    """The replies to all commands, sent at once; an error reply stands in its place."""
    pipe = client.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command(*command)
    return await pipe.execute(raise_on_error=False)


def _list_reading(
    queue: str, step: int, length: int, mark: bytes, newer: int, sent_at: bytes
) -> ListReading:
    return ListReading(
        queue,
        step,
        length,
        str(mark, "utf-8", "replace"),
        None if newer == -1 else max(newer, -2 - newer),
        at_least=newer < -1,
        sent_at=_seconds(sent_at),
    )


def _seconds(text: bytes) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _forbidden(error: ResponseError) -> bool:
    """Whether scripts are not to be had here: by ACL, renamed away, or keys must be declared."""
    said = str(error).lower()
    return isinstance(error, NoPermissionError | NoScriptError) or any(
        sign in said for sign in ("unknown command", "undeclared key", "no permissions")
    )

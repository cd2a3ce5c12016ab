"""What became of every task, as the tasks themselves wrote it down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

QUEUE, STARTED, FINISHED = "default", "demo:started", "demo:finished"
BEGAN = "demo:began"
IN_TIME_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Toll:
    """How many tasks were sent, and what became of them.

    waiting: still in the queue. lost: neither there nor ever begun. killed: began and did not end.
    twice: began more than once.
    """

    sent: int
    finished: int
    waiting: int
    lost: int
    killed: int
    twice: int

    @property
    def clean(self) -> bool:
        """Whether every task ran to its end, once."""
        return not (self.waiting or self.lost or self.killed or self.twice)


@dataclass(frozen=True, slots=True)
class Burst:
    """Tasks that came together, and how many of them began within IN_TIME_SECONDS.

    replicas: those that were there or on their way when the first of them was sent.
    """

    tasks: int
    in_time: int
    replicas: int = 0


async def progress(broker: Redis) -> tuple[int, int]:
    """How many tasks have begun, and how many have ended."""
    return await broker.llen(STARTED), await broker.llen(FINISHED)


async def toll(broker: Redis, sent: Sequence[str]) -> Toll:
    """The count over the ids of all tasks sent, once nothing runs any more."""
    starts = Counter(_texts(await broker.lrange(STARTED, 0, -1)))
    waiting = await broker.llen(QUEUE)
    finished = set(_texts(await broker.lrange(FINISHED, 0, -1)))
    return Toll(
        sent=len(sent),
        finished=len(finished.intersection(sent)),
        waiting=waiting,
        lost=max(0, sum(1 for task in sent if not starts[task]) - waiting),
        killed=sum(1 for task in sent if starts[task] and task not in finished),
        twice=sum(1 for task in sent if starts[task] > 1),
    )


async def punctuality(broker: Redis, bursts: Sequence[Mapping[str, float]]) -> tuple[Burst, ...]:
    """How punctual each burst was. bursts: task -> when it was sent, by the broker's clock."""
    began = {_text(task): float(at) for task, at in (await broker.hgetall(BEGAN)).items()}
    return tuple(
        Burst(
            tasks=len(sent),
            in_time=sum(
                began.get(task, float("inf")) - at <= IN_TIME_SECONDS for task, at in sent.items()
            ),
        )
        for sent in bursts
    )


def _texts(entries: Iterable[bytes | str]) -> list[str]:
    return [_text(entry) for entry in entries]


def _text(entry: bytes | str) -> str:
    return entry.decode() if isinstance(entry, bytes) else entry

"""The age of the oldest waiting task of each queue, kept up from one reading to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.clients.redis.fifo_age import FifoAge
from autoscaler.clients.redis.queues import ListReading, QueuesReading

CLOCK_SKEW_SECONDS = 5.0
OLDEST_BELIEVED_SECONDS = 366 * 86_400.0


@dataclass(slots=True)
class _Queue:
    """Its lists that were not empty when they were last looked at, or depth alone said so."""

    looked_at: float
    lists: dict[int, tuple[ListReading, FifoAge]] = field(default_factory=dict)


class QueueAges:
    """Ages by queue, over its priority steps. Times of readings are the event loop's own.

    Producers need not help; where they write a `sent_at` header (Unix seconds), it is believed.
    """

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def marks(self, queue: str) -> Mapping[int, str]:
        """The newest message of each of its lists when they were last looked at, by step."""
        known = self._queues.get(queue)
        if known is None:
            return {}
        return {step: reading.mark for step, (reading, _) in known.lists.items()}

    def observe(self, reading: QueuesReading, at: float) -> None:
        """Take in one reading of all queues; what could not be read is forgotten."""
        empty = (name for name, depth in reading.depths.items() if depth == 0)
        self._queues.update(dict.fromkeys(empty, _Queue(at)))
        for name in reading.unreadable:
            self._queues.pop(name, None)
        self._look(reading.looked_at, reading.lists, at)

    def oldest(self, queue: str, now: float, at: float) -> float | None:
        """Seconds, `now` being the wall's time at `at`; None if nothing waits or it is unknown."""
        known = self._queues.get(queue)
        if known is None or not known.lists:
            return None
        return max([_age(reading, age, now, at) for reading, age in known.lists.values()])

    def _look(self, names: Iterable[str], lists: Iterable[ListReading], at: float) -> None:
        before = {name: self._queues.get(name) for name in names}
        self._queues.update((name, _Queue(at)) for name in before)
        for reading in lists:
            last = before[reading.queue]
            age = _begun(reading, last, at)
            if last and reading.step in last.lists:
                age = _aged(reading, last.lists[reading.step], last.looked_at, at)
            self._queues[reading.queue].lists[reading.step] = (reading, age)


def _begun(reading: ListReading, last: _Queue | None, at: float) -> FifoAge:
    """A list that was empty at the last look; or seen for the first time, of unknown age."""
    age = FifoAge()
    age.observe(reading.length, reading.length, last.looked_at if last else at, at)
    return age


def _aged(
    reading: ListReading, last: tuple[ListReading, FifoAge], looked_at: float, at: float
) -> FifoAge:
    before, age = last
    arrived = reading.arrived or 0
    if reading.at_least:
        arrived = max(arrived, reading.length - before.length)
    age.observe(reading.length, arrived, looked_at, at)
    return age


def _age(reading: ListReading, age: FifoAge, now: float, at: float) -> float:
    if reading.sent_at is not None:
        waited = now - reading.sent_at
        if -CLOCK_SKEW_SECONDS <= waited <= OLDEST_BELIEVED_SECONDS:
            return max(0.0, waited)
    return age.oldest(at) or 0.0

"""How one daemon process reaches the world: every call travels there and back, or does not."""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from autoscaler.errors import AutoscalerError
from tests.simulation.loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")


@dataclass(slots=True)
class Trip:
    """One call's fate. out, back: seconds under way, however long the caller waits."""

    out: float
    back: float
    arrives: bool = True
    answered: bool = True
    refused: bool = False
    reset: bool = False


class Link:
    """One daemon process and its connections. What it sent arrives even after it has died."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.process = Process(f"daemon-{number}")
        self.alive = True
        self.clock_offset = 0.0
        self.calls: Counter[str] = Counter()
        self.errands = 0  # under way for an operator, beside the ticks

    @property
    def runs(self) -> bool:
        """Whether the process is alive and not frozen."""
        return self.alive and self.process.frozen is None

    def wall(self) -> float:
        """Unix seconds by this process's wall clock."""
        return self.world.wall() + self.clock_offset

    async def call(
        self, kind: str, subject: str, effect: Callable[[], T], error: type[AutoscalerError]
    ) -> T:
        """Have `effect` done in the world. error: what a broken connection is called here."""
        if not self.alive:
            raise asyncio.CancelledError
        self.calls[kind] += 1
        trip = self.world.trip(kind, subject)
        answer: asyncio.Future[T] = self.world.loop.create_future()
        if trip.arrives:
            self.world.after(trip.out, self._arrive, effect, trip, answer, error)
        return await answer

    def _arrive(
        self,
        effect: Callable[[], Any],
        trip: Trip,
        answer: asyncio.Future[Any],
        error: type[AutoscalerError],
    ) -> None:
        result, failure = None, None
        try:
            if trip.refused:
                raise error("503 try again")
            result = effect()
            if trip.reset:
                raise error("connection reset by peer")
        except AutoscalerError as raised:
            failure = raised
        if trip.answered:
            self.world.after(trip.back, _answer, answer, result, failure)


def _answer(answer: asyncio.Future[Any], result: Any, failure: Exception | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(result)
    else:
        answer.set_exception(failure)


LINK: contextvars.ContextVar[Link] = contextvars.ContextVar("link")

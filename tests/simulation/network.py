"""How one daemon process reaches the world: every call travels there and back, or does not."""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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


class Detour:
    """Holds up the next effect on one fleet until another call there has overtaken it.

    behind: of which kind that call is. fatal: the sender dies of it, so its successor overtakes.
    """

    def __init__(self, behind: str, *, fatal: bool) -> None:
        self._behind = behind
        self._fatal = fatal
        self._arrive: Callable[[], object] | None = None

    def takes(self, kind: str, link: Link, arrive: Callable[[], object]) -> bool:
        """Whether it holds this call up."""
        if kind != "effects" or self._arrive is not None:
            return False
        self._arrive = arrive
        if self._fatal:
            link.process.steps_to_live = 1
        return True

    def overtaken_by(self, kind: str) -> bool:
        """Whether this call, which succeeded, is the one; then it ends."""
        return kind == self._behind and self._arrive is not None

    def end(self) -> None:
        """What was held up arrives."""
        arrive, self._arrive = self._arrive, None
        if arrive is not None:
            arrive()


class Link:
    """One daemon process and its connections. What it sent arrives even after it has died."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.process = Process(f"daemon-{number}")
        self.alive = True
        self.clock_offset = 0.0
        self.calls: Counter[str] = Counter()  # of its ticks
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
        if not self.errands:
            self.calls[kind] += 1
        trip = self.world.trip(kind, subject)
        answer: asyncio.Future[T] = self.world.loop.create_future()
        if trip.arrives:
            arrive = partial(self._arrive, kind, subject, effect, trip, answer, error)
            detour = self.world.detours.get(subject)
            if detour is None or not detour.takes(kind, self, arrive):
                self.world.after(trip.out, arrive)
        return await answer

    def _arrive(
        self,
        kind: str,
        subject: str,
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
        else:
            self._overtake(kind, subject)
        if trip.answered:
            self.world.after(trip.back, _answer, answer, result, failure)

    def _overtake(self, kind: str, subject: str) -> None:
        """What took a detour arrives right behind this call."""
        detour = self.world.detours.get(subject)
        if detour is not None and detour.overtaken_by(kind):
            del self.world.detours[subject]
            self.world.after(0.0, detour.end)


def _answer(answer: asyncio.Future[Any], result: Any, failure: Exception | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(result)
    else:
        answer.set_exception(failure)


LINK: contextvars.ContextVar[Link] = contextvars.ContextVar("link")

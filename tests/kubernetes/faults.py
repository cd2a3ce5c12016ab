"""What can go wrong at the API server, to be switched on for some requests and some times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from tests.kubernetes.calls import Call

Match = Callable[[Call], bool]


class Harm(StrEnum):
    """ANSWER: an error instead. SLOW: late. HANG: never. CUT: half of the answer.

    RESET: a connection that breaks, after all was done.
    """

    ANSWER = "answer"
    SLOW = "slow"
    HANG = "hang"
    CUT = "cut"
    RESET = "reset"


@dataclass(slots=True)
class Fault:
    """times None: until it is taken away. hit: how often it has struck."""

    harm: Harm
    match: Match
    times: int | None = None
    status: int = 0
    seconds: float = 0.0
    hit: int = 0

    def strikes(self, call: Call) -> bool:
        """Whether it strikes this request, which counts."""
        if (self.times is not None and self.hit >= self.times) or not self.match(call):
            return False
        self.hit += 1
        return True


@dataclass(slots=True)
class Faults:
    """Each method switches on one fault, and returns it; the first that fits strikes.

    what: words that a request must have in "patch deployments/scale worker", all of them.
    """

    active: list[Fault] = field(default_factory=list)

    def answer(
        self, status: int, what: str = "", times: int | None = None, retry_after: float = 0.0
    ) -> Fault:
        """An error; nothing is done. retry_after: seconds, sent with 429 and 503 when not 0."""
        return self._add(Fault(Harm.ANSWER, _has(what), times, status, retry_after))

    def conflict(self, what: str = "patch", times: int | None = None) -> Fault:
        return self.answer(409, what, times)

    def throttle(self, retry_after: float, what: str = "", times: int | None = None) -> Fault:
        return self.answer(429, what, times, retry_after)

    def slow(self, seconds: float, what: str = "", times: int | None = None) -> Fault:
        return self._add(Fault(Harm.SLOW, _has(what), times, seconds=seconds))

    def hang(self, what: str = "", times: int | None = None) -> Fault:
        return self._add(Fault(Harm.HANG, _has(what), times))

    def cut(self, what: str = "", times: int | None = None) -> Fault:
        """The request is carried out, and half of the JSON is sent."""
        return self._add(Fault(Harm.CUT, _has(what), times))

    def reset(self, what: str = "patch", times: int | None = None) -> Fault:
        """The request is carried out, and the connection breaks before the answer."""
        return self._add(Fault(Harm.RESET, _has(what), times))

    def clear(self) -> None:
        self.active.clear()

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """Take the fault away at the end."""
        try:
            yield fault
        finally:
            if fault in self.active:
                self.active.remove(fault)

    def on(self, call: Call) -> Fault | None:
        """The fault that strikes this request."""
        return next((fault for fault in self.active if fault.strikes(call)), None)

    def _add(self, fault: Fault) -> Fault:
        self.active.append(fault)
        return fault


def _has(what: str) -> Match:
    words = set(what.split())
    return lambda call: words <= set(str(call).split())

"""Fault classes: what can go wrong, how often and for how long, and what is wrong right now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.world import World

Heal = Callable[[], None]
Begin = Callable[["World", Random], Heal | None]
Subject = Callable[["World", Random], str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One class. begin does it, and returns how it heals after `seconds` (least, most).

    per_hour: how often at the usual rate.
    """

    name: str
    summary: str
    per_hour: float
    seconds: tuple[float, float]
    begin: Begin


@dataclass(frozen=True, slots=True)
class Window:
    """A condition that holds for a while. subject "": for all."""

    subject: str
    amount: float


class Conditions:
    """The windows that are open now. memory: what a condition keeps while it holds."""

    def __init__(self, random: Random, now: Callable[[], float]) -> None:
        self._random = random
        self._now = now
        self._open: dict[str, list[Window]] = {}
        self._closed_at: dict[str, float] = {}
        self.memory: dict[str, Any] = {}

    def open(self, name: str, subject: str = "", amount: float = 1.0) -> Heal:
        """Begin a window; returns how to end it."""
        window = Window(subject, amount)
        self._open.setdefault(name, []).append(window)

        def close() -> None:
            windows = self._open[name]
            windows.remove(window)
            self._closed_at[name] = self._now()
            if not windows:
                del self._open[name]
                self.memory.pop(name, None)

        return close

    def on(self, name: str, subject: str = "") -> bool:
        """Whether the condition holds for this subject."""
        return self.value(name, subject) > 0

    def value(self, name: str, subject: str = "") -> float:
        """The condition's amount; 0 while it does not hold."""
        windows = self._open.get(name)
        if windows is None:
            return 0.0
        return max((w.amount for w in windows if w.subject in ("", subject)), default=0.0)

    def lately(self, name: str, seconds: float) -> bool:
        """Whether the condition held for anybody within this time."""
        return name in self._open or self._now() - self._closed_at.get(name, -seconds) < seconds

    def strikes(self, name: str, subject: str = "") -> bool:
        """Whether the condition holds and hits this time; its amount is the probability."""
        chance = self.value(name, subject)
        return chance > 0 and self._random.random() < chance

    def names(self) -> list[str]:
        """The conditions that hold for anybody, in the order they began."""
        return list(self._open)


def everybody(_: World, __: Random) -> str:
    """The subject of what hits all."""
    return ""


def a_fleet(world: World, random: Random) -> str:
    """One fleet, or all of them."""
    return random.choice(["", *world.platforms])


def window(
    name: str,
    summary: str,
    per_hour: float,
    seconds: tuple[float, float],
    *,
    subject: Subject = everybody,
    amount: tuple[float, float] = (1.0, 1.0),
) -> Fault:
    """A fault that is a condition and nothing more."""

    def begin(world: World, random: Random) -> Heal:
        return world.faults.open(name, subject(world, random), random.uniform(*amount))

    return Fault(name, summary, per_hour, seconds, begin)

"""The demo's load: a trickle, and a job that twice sends a burst which ends in a few long tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

BURST_TASKS, LONG_TASKS = 48, 3
BURSTS_AT = (0.04, 0.56)
BURST_LASTS = 0.06
TRICKLE_TASKS, TRICKLE_ENDS = 18, 0.72


@dataclass(frozen=True, slots=True)
class Arrival:
    """A task that is sent `at` seconds after the start, and takes `seconds`.

    burst: which one it is of, counted from 1; 0 for none.
    """

    at: float
    seconds: float
    burst: int = 0


def arrivals(length: float, seed: int) -> tuple[Arrival, ...]:
    """Every task of a demo of `length` seconds, in order; the same for the same seed.

    Of a shorter demo the tasks are as many, and shorter.
    """
    chance = random.Random(seed)  # noqa: S311 - a load, not a secret
    shares = sorted([*_trickle(), *_bursts(chance)], key=lambda arrival: arrival.at)
    return tuple(
        Arrival(round(share.at * length, 3), round(share.seconds * length / 100, 3), share.burst)
        for share in shares
    )


def _trickle() -> Iterator[Arrival]:
    for number in range(TRICKLE_TASKS):
        yield Arrival(TRICKLE_ENDS * number / TRICKLE_TASKS, 0.8)


def _bursts(chance: random.Random) -> Iterator[Arrival]:
    """The long tasks come last: when the rest is done, drains have something to wait for."""
    for burst, begins in enumerate(BURSTS_AT, 1):
        for _ in range(BURST_TASKS):
            yield Arrival(begins + BURST_LASTS * chance.random(), chance.uniform(0.3, 1.8), burst)
        for _ in range(LONG_TASKS):
            yield Arrival(begins + BURST_LASTS, chance.uniform(14, 18), burst)

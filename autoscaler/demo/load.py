"""The demo's load: a trickle with two bursts in it, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

TASKS_A_BURST_PER_SECOND_OF_DEMO = 1.1
BURSTS_AT = (0.04, 0.5)
BURST_LASTS = 0.06
TRICKLE_ENDS = 0.75
TRICKLE_EVERY_SECONDS = 2.0
LONG_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Arrival:
    """A task that is sent `at` seconds after the start, and takes `seconds`."""

    at: float
    seconds: float


def arrivals(length_seconds: float, seed: int) -> tuple[Arrival, ...]:
    """Every task of a demo of that length, in the order in which they are sent."""
    chance = random.Random(seed)  # noqa: S311 - a load, not a secret
    times = sorted([*_trickle(length_seconds), *_bursts(length_seconds, chance)])
    return tuple(Arrival(at, _duration(chance)) for at in times)


def _trickle(length_seconds: float) -> Iterator[float]:
    at = 0.0
    while at < TRICKLE_ENDS * length_seconds:
        yield at
        at += TRICKLE_EVERY_SECONDS


def _bursts(length_seconds: float, chance: random.Random) -> Iterator[float]:
    for begins in BURSTS_AT:
        for _ in range(round(TASKS_A_BURST_PER_SECOND_OF_DEMO * length_seconds)):
            yield (begins + BURST_LASTS * chance.random()) * length_seconds


def _duration(chance: random.Random) -> float:
    """Mostly about a second; a few go on for long, so that a drain has something to wait for."""
    if chance.random() < LONG_SHARE:
        return round(chance.uniform(6.0, 10.0), 2)
    return round(chance.uniform(0.3, 1.8), 2)

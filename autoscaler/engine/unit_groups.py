"""Which units' readings count: ready, not ready, without a reading, or not to be asked at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a unit is in its life, as far as its readings are concerned."""

    PENDING = "pending"
    RUNNING = "running"
    OVER = "over"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a unit is ready (None: it cannot tell), and since when (Unix seconds)."""

    ready: bool | None
    since: float


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit as the replica calculator needs it; times are Unix seconds.

    request: what its usage is a share of, in thousandths; None when nobody said.
    """

    name: str
    phase: Phase = Phase.RUNNING
    leaving: bool = False
    started_at: float | None = None
    readiness: Readiness | None = None
    request: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One unit's usage in thousandths, measured over the `window_seconds` that end at `at`."""

    value: int
    at: float
    window_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Warmup:
    """When a unit's first readings are not to be believed. The defaults are the HPA's.

    initialization_seconds: while it is younger, only a whole window since it became ready counts.
    readiness_delay_seconds: a unit that turned unready within it was never ready.
    """

    initialization_seconds: float = 300.0
    readiness_delay_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class UnitGroups:
    """The units by what their readings are worth. `ready` is how many have one that counts."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group_units(
    units: Iterable[UnitState],
    readings: Mapping[str, Reading],
    now: float,
    warmup: Warmup | None,
) -> UnitGroups:
    """Sort units as the HPA sorts pods. Without `warmup` readiness does not matter.

    The HPA asks for readiness only where a start-up itself uses the resource, which is CPU.
    """
    ready = 0
    unready, missing, ignored = set(), set(), set()
    for unit in units:
        reading = readings.get(unit.name)
        if unit.leaving or unit.phase is Phase.FAILED:
            ignored.add(unit.name)
        elif unit.phase is Phase.PENDING:
            unready.add(unit.name)
        elif reading is None:
            missing.add(unit.name)
        elif warmup is not None and _warming_up(unit, reading, now, warmup):
            unready.add(unit.name)
        else:
            ready += 1
    return UnitGroups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def count_ready(units: Iterable[UnitState]) -> int:
    """How many units run and say that they are ready."""
    return sum(
        1
        for unit in units
        if unit.phase is Phase.RUNNING and unit.readiness is not None and unit.readiness.ready
    )


def _warming_up(unit: UnitState, reading: Reading, now: float, warmup: Warmup) -> bool:
    readiness = unit.readiness
    if readiness is None or unit.started_at is None:
        return True
    if unit.started_at + warmup.initialization_seconds > now:
        whole_window_at = readiness.since + reading.window_seconds
        return readiness.ready is False or reading.at < whole_window_at
    never_ready = unit.started_at + warmup.readiness_delay_seconds > readiness.since
    return readiness.ready is False and never_ready

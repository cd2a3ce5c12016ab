"""From readings to a replica count, as the HPA's replica calculator does it.

Quantities are whole thousandths, as the HPA's are, so that the same sums round the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.engine.behavior import Tolerances
from autoscaler.engine.per_unit_target import CannotTellError, PerUnitTarget
from autoscaler.engine.unit_groups import (
    Reading,
    UnitState,
    Warmup,
    count_ready,
    group_units,
)

MOST_REPLICAS = 2**31 - 1
MOST_USAGE = 2**63 - 1


def thousandths(value: float) -> int:
    """The value in the whole thousandths that quantities are counted in."""
    return min(round(value * 1000), MOST_USAGE)


@dataclass(frozen=True, slots=True)
class Calculated:
    """How many replicas, and the usage that says so.

    usage is the average of one unit, or the whole for a `value`, in thousandths.
    utilization is an integer percent of the requests.
    """

    replicas: int
    usage: int
    utilization: int | None = None


@dataclass(frozen=True, slots=True)
class UnitReadings:
    """What the units are and use. `warmup` None: readiness does not matter."""

    current: int
    units: Sequence[UnitState]
    readings: Mapping[str, Reading]
    now: float
    warmup: Warmup | None = None


def replicas_for_units(
    given: UnitReadings, target: PerUnitTarget, tolerances: Tolerances
) -> Calculated:
    """How many replicas bring the average unit to its target.

    Units that are not ready count as idle on the way up, and not at all on the way down; those
    without a reading count against the change. Raises CannotTellError.
    """
    if not given.units:
        raise CannotTellError("there are no units")
    groups = group_units(given.units, given.readings, given.now, given.warmup)
    left_out = groups.ignored | groups.unready
    values = {name: r.value for name, r in given.readings.items() if name not in left_out}
    if not values:
        raise CannotTellError("no unit that counts has a reading")
    usage = target.usage(values)
    ratio = usage.ratio
    idle = groups.unready if ratio > 1.0 else frozenset()
    if idle or (groups.missing and ratio != 1.0):
        values |= {name: target.assumed(name, falling=ratio < 1.0) for name in groups.missing}
        values |= dict.fromkeys(idle, 0)
        replicas = _with_assumptions(given.current, ratio, values, target, tolerances)
    elif tolerances.hold(ratio):
        replicas = given.current
    else:
        replicas = _ceil(ratio * groups.ready, MOST_REPLICAS)
    return Calculated(replicas, usage.average, usage.utilization)


def replicas_for_value(
    current: int, usage: int, target: int, units: Iterable[UnitState], tolerances: Tolerances
) -> Calculated:
    """How many replicas bring `usage`, which more ready units lower, to `target`.

    From zero the tolerance does not matter. Raises CannotTellError.
    """
    ratio = _ratio(usage, target)
    if current == 0:
        return Calculated(_ceil(ratio, MOST_REPLICAS), usage)
    if tolerances.hold(ratio):
        return Calculated(current, usage)
    present = list(units)
    if not present:
        raise CannotTellError("there are no units")
    return Calculated(_ceil(ratio * count_ready(present), MOST_REPLICAS), usage)


def replicas_for_average(
    current: int, usage: int, target: int, tolerances: Tolerances
) -> Calculated:
    """How many replicas take no more than `target` each of a whole of `usage`."""
    replicas = current
    if not tolerances.hold(_ratio(usage, float(target) * float(current))):
        replicas = _ceil(_ratio(usage, target), MOST_REPLICAS)
    return Calculated(replicas, _ceil(_ratio(usage, current), MOST_USAGE))


def _with_assumptions(
    current: int,
    ratio: float,
    values: Mapping[str, int],
    target: PerUnitTarget,
    tolerances: Tolerances,
) -> int:
    """The count once silent units are assumed, unless that turns the direction round."""
    assumed_ratio = target.usage(values).ratio
    turned = ratio < 1.0 < assumed_ratio or assumed_ratio < 1.0 < ratio
    if turned or tolerances.hold(assumed_ratio):
        return current
    replicas = _ceil(assumed_ratio * len(values), MOST_REPLICAS)
    rising = assumed_ratio > 1.0
    against = replicas < current if rising else replicas > current
    return current if against else replicas


def _ratio(usage: float, target: float) -> float:
    """As IEEE 754 has it: anything over nothing is infinite."""
    return float(usage) / float(target) if target else math.inf


def _ceil(value: float, most: int) -> int:
    return math.ceil(value) if value < most else most

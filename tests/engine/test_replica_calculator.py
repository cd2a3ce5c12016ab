"""Counts from readings; tables worked out by hand from the HPA's rules."""

from __future__ import annotations

import pytest

from autoscaler.engine.behavior import Tolerances
from autoscaler.engine.per_unit_target import AverageValueTarget, CannotTellError, UtilizationTarget
from autoscaler.engine.replica_calculator import (
    MOST_REPLICAS,
    MOST_USAGE,
    UnitReadings,
    replicas_for_average,
    replicas_for_units,
    replicas_for_value,
    thousandths,
)
from autoscaler.engine.unit_groups import Phase, Readiness, Reading, UnitState, Warmup
from tests.records import NOW

TENTH = Tolerances()


def given(*values, current=None, pending=0, warmup=None, unready=()):
    """Units 0, 1, … with these readings (None: missing), and more that are pending."""
    units = [
        UnitState(
            str(n), started_at=0.0, readiness=Readiness(n not in unready, since=0.0), request=1000
        )
        for n in range(len(values))
    ]
    units += [UnitState(f"p{n}", Phase.PENDING, request=1000) for n in range(pending)]
    readings = {str(n): Reading(v, NOW) for n, v in enumerate(values) if v is not None}
    return UnitReadings(current or len(units), units, readings, NOW, warmup)


def for_percent(readings, percent, tolerances=TENTH):
    target = UtilizationTarget.of_units(percent, readings.units)
    return replicas_for_units(readings, target, tolerances)


def for_amount(readings, amount):
    return replicas_for_units(readings, AverageValueTarget(amount), TENTH)


@pytest.mark.parametrize(
    ("readings", "percent", "replicas", "utilization"),
    [
        (given(600, 600, 600), 30, 6, 60),
        (given(200, 200, 200, 200), 50, 2, 20),
        (given(330, 330), 30, 2, 33),
        (given(270, 270), 30, 2, 27),
        (given(340, 340), 30, 3, 34),
        (given(260, 260, 260), 30, 3, 26),
        (given(900, 900, pending=1), 50, 4, 90),
        (given(600, pending=1, current=2), 50, 2, 60),
        (given(100, 100, pending=2), 50, 1, 10),
        (given(900, None), 50, 2, 90),
        (given(2900, None), 50, 6, 290),
        (given(600, None), 50, 2, 60),
        (given(100, None), 60, 2, 10),
        (given(100, 100, 100, None), 60, 3, 10),
        (given(600, 600, None), 60, 3, 60),
        (given(100, 100, None, current=2), 50, 2, 10),
        (given(2000, 2000, None, pending=1, current=9), 50, 9, 200),
    ],
    ids=[
        "up",
        "down",
        "upper edge of tolerance",
        "lower edge of tolerance",
        "above tolerance",
        "below tolerance rounds up",
        "pending counts as idle on the way up",
        "pending turns the direction round",
        "pending is left out on the way down",
        "missing brings it within tolerance",
        "missing counts as idle on the way up",
        "missing turns the direction round on the way up",
        "missing counts as full on the way down",
        "missing only slows the fall",
        "on target nothing is assumed",
        "more units than replicas would turn a fall round",
        "fewer units than replicas would turn a rise round",
    ],
)
def test_utilization(readings, percent, replicas, utilization):
    found = for_percent(readings, percent)
    assert (found.replicas, found.utilization) == (replicas, utilization)


@pytest.mark.parametrize(
    ("readings", "replicas", "usage"),
    [
        (given(20_000, 10_000, 30_000), 4, 20_000),
        (given(12_000, 12_000, 12_000, 12_000, 12_000), 4, 12_000),
        (given(15_000, 15_000, None), 3, 15_000),
        (given(5_000, 5_000, None), 2, 5_000),
        (given(60_000, 60_000, None), 8, 60_000),
    ],
    ids=["up", "down", "on target", "missing is on target on the way down", "missing is idle"],
)
def test_average_of_units(readings, replicas, usage):
    found = for_amount(readings, 15_000)
    assert (found.replicas, found.usage, found.utilization) == (replicas, usage, None)


def test_a_unit_that_was_never_ready_counts_only_where_start_ups_use_the_resource():
    assert for_percent(given(900, 900, 900, unready={2}), 50).replicas == 6
    warm = given(900, 900, 900, unready={2}, warmup=Warmup())
    assert for_percent(warm, 50).replicas == 4


def test_tolerances_are_separate():
    assert for_percent(given(600, 600), 50, Tolerances(down=0, up=0.2)).replicas == 2
    assert for_percent(given(490, 490, 490), 50, Tolerances(down=0.01, up=0)).replicas == 3
    assert for_percent(given(400, 400), 50, Tolerances(down=0.2, up=0)).replicas == 2


@pytest.mark.parametrize(
    ("readings", "why"),
    [(given(), "there are no units"), (given(None, pending=1), "no unit that counts")],
)
def test_without_readings_nobody_can_tell(readings, why):
    with pytest.raises(CannotTellError, match=why):
        for_amount(readings, 15_000)


READY = [UnitState(str(n), readiness=Readiness(ready=n < 2, since=0.0)) for n in range(3)]


@pytest.mark.parametrize(
    ("current", "usage", "units", "replicas"),
    [
        (3, 11_000, [], 3),
        (3, 20_000, READY, 4),
        (3, 4_000, READY, 1),
        (0, 10_000, [], 1),
        (0, 25_000, [], 3),
        (0, 0, [], 0),
        (3, MOST_USAGE, READY, MOST_REPLICAS),
    ],
    ids=["within tolerance", "up", "down", "no tolerance at zero", "from zero", "zero", "huge"],
)
def test_value(current, usage, units, replicas):
    target = 1 if usage == MOST_USAGE else 10_000
    found = replicas_for_value(current, usage, target, units, TENTH)
    assert (found.replicas, found.usage) == (replicas, usage)


def test_a_value_needs_units():
    with pytest.raises(CannotTellError, match="there are no units"):
        replicas_for_value(3, 20_000, 10_000, [], TENTH)


@pytest.mark.parametrize(
    ("current", "usage", "replicas", "average"),
    [
        (3, 40_000, 4, 13_334),
        (4, 41_000, 4, 10_250),
        (5, 21_000, 3, 4_200),
        (0, 21_000, 3, MOST_USAGE),
        (1, MOST_USAGE, MOST_REPLICAS, MOST_USAGE),
    ],
    ids=["up", "within tolerance", "down", "from zero", "huge"],
)
def test_average_of_a_whole(current, usage, replicas, average):
    target = 1 if usage == MOST_USAGE else 10_000
    found = replicas_for_average(current, usage, target, TENTH)
    assert (found.replicas, found.usage) == (replicas, average)


@pytest.mark.parametrize(("value", "whole"), [(0.29, 290), (412, 412_000), (1e30, MOST_USAGE)])
def test_thousandths(value, whole):
    assert thousandths(value) == whole

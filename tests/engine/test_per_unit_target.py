"""Usage of units against an amount or a share."""

from __future__ import annotations

import pytest

from autoscaler.engine.per_unit_target import (
    AverageValueTarget,
    CannotTellError,
    UtilizationTarget,
)
from autoscaler.engine.unit_groups import UnitState


def test_averages_are_whole_thousandths_before_they_are_compared():
    usage = AverageValueTarget(2000).usage({"a": 1000, "b": 1001})
    assert (usage.average, usage.ratio, usage.utilization) == (1000, 0.5, None)


def test_utilization_is_a_whole_percent_before_it_is_compared():
    usage = UtilizationTarget(50, {"a": 1000, "b": 1000}).usage({"a": 999, "b": 0, "gone": 5})
    assert (usage.utilization, usage.ratio, usage.average) == (49, 0.98, 499)


def test_readings_of_unknown_units_alone_say_nothing():
    with pytest.raises(CannotTellError, match="no reading is of a unit"):
        UtilizationTarget(50, {"a": 1000}).usage({"gone": 5})


def test_every_unit_needs_a_request():
    units = [UnitState("a", request=1), UnitState("c"), UnitState("b")]
    with pytest.raises(CannotTellError, match="nobody knows what b could use"):
        UtilizationTarget.of_units(50, units)
    assert UtilizationTarget.of_units(50, units[:1]).requests == {"a": 1}


@pytest.mark.parametrize(("percent", "assumed"), [(50, 1000), (300, 3000)])
def test_a_silent_unit_is_assumed_busy_on_the_way_down(percent, assumed):
    target = UtilizationTarget(percent, {"a": 1000})
    assert target.assumed("a", falling=True) == assumed
    assert target.assumed("a", falling=False) == 0


def test_a_silent_unit_is_assumed_on_target_on_the_way_down():
    assert AverageValueTarget(2000).assumed("a", falling=True) == 2000
    assert AverageValueTarget(2000).assumed("a", falling=False) == 0

"""The HPA's defaults, validation, windows and tolerances."""

from __future__ import annotations

import math

import pytest

from autoscaler.engine.behavior import (
    DEFAULT_DOWN_LIMITS,
    DEFAULT_UP_LIMITS,
    Tolerances,
    down_window_seconds,
    tolerances,
    up_window_seconds,
    validate_behavior,
    with_defaults,
)
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules, Select

ONE_POD = Limit(LimitType.PODS, 1, 60)


def test_setting_one_direction_defaults_the_other():
    behavior = with_defaults(ScalingRules(limits=(ONE_POD,), select=Select.MIN), None)
    assert behavior.scale_up.limits == (ONE_POD,)
    assert behavior.scale_up.select is Select.MIN
    assert behavior.scale_up.stabilization_window_seconds == 0
    assert behavior.scale_down == ScalingRules(limits=DEFAULT_DOWN_LIMITS)


def test_what_is_given_is_kept_and_the_rest_defaulted():
    behavior = with_defaults(None, ScalingRules(stabilization_window_seconds=0, tolerance=0.5))
    assert behavior.scale_up.limits == DEFAULT_UP_LIMITS
    assert behavior.scale_down.stabilization_window_seconds == 0
    assert behavior.scale_down.tolerance == 0.5
    assert behavior.scale_down.limits == DEFAULT_DOWN_LIMITS


@pytest.mark.parametrize(
    ("behavior", "up", "down"),
    [
        (None, 0, 300),
        (with_defaults(None, None), 0, 300),
        (Behavior(ScalingRules(None), ScalingRules(None)), 0, 300),
        (Behavior(ScalingRules(60), ScalingRules(0)), 60, 0),
    ],
)
def test_windows(behavior, up, down):
    assert (up_window_seconds(behavior), down_window_seconds(behavior)) == (up, down)


def test_tolerances_of_each_direction_default_on_their_own():
    assert tolerances(None) == Tolerances(0.1, 0.1)
    assert tolerances(with_defaults(None, ScalingRules(tolerance=0.0))) == Tolerances(0.0, 0.1)
    assert tolerances(with_defaults(ScalingRules(tolerance=0.3), None)) == Tolerances(0.1, 0.3)


@pytest.mark.parametrize(
    ("ratio", "held"), [(0.75, True), (0.7499, False), (1.5, True), (1.5001, False)]
)
def test_the_edges_of_a_tolerance_are_within_it(ratio, held):
    assert Tolerances(down=0.25, up=0.5).hold(ratio) is held


def test_whole_defaults_are_valid():
    assert validate_behavior(with_defaults(None, None)) == []


def test_every_fault_is_told_at_once_with_its_path():
    up = ScalingRules(
        stabilization_window_seconds=3601,
        limits=(Limit(LimitType.PODS, 0, 1801), Limit(LimitType.PERCENT, 1, 0)),
    )
    down = ScalingRules(stabilization_window_seconds=-1, tolerance=-0.1)
    assert validate_behavior(Behavior(up, down), "fleets[0].behavior") == [
        "fleets[0].behavior.scale_up.stabilization_window_seconds: 3601 must be between 0 and 3600",
        "fleets[0].behavior.scale_up.limits[0].value: 0 must be greater than 0",
        "fleets[0].behavior.scale_up.limits[0].period_seconds: 1801 must be between 1 and 1800",
        "fleets[0].behavior.scale_up.limits[1].period_seconds: 0 must be between 1 and 1800",
        "fleets[0].behavior.scale_down.stabilization_window_seconds: -1 must be between 0 and 3600",
        "fleets[0].behavior.scale_down.limits: there must be at least one",
        "fleets[0].behavior.scale_down.tolerance: -0.1 must be a ratio of at least 0",
    ]


@pytest.mark.parametrize("tolerance", [math.inf, math.nan])
def test_a_tolerance_is_a_finite_ratio(tolerance):
    rules = ScalingRules(limits=(ONE_POD,), tolerance=tolerance)
    assert len(validate_behavior(Behavior(rules, rules))) == 2

"""`behavior` in both spellings, with the HPA's defaults and limits."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from autoscaler.config.behavior import BehaviorConfig
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules, Select

ADAPTER: TypeAdapter[Behavior] = TypeAdapter(BehaviorConfig)
OWN = {
    "scale_up": {
        "stabilization_window_seconds": 60,
        "select": "min",
        "limits": [{"type": "pods", "value": 4, "period_seconds": 60}],
        "tolerance": 0.05,
    },
    "scale_down": {
        "stabilization_window_seconds": 300,
        "select": "disabled",
        "limits": [{"type": "percent", "value": 10, "period_seconds": 120}],
    },
}
HPA = {
    "scaleUp": {
        "stabilizationWindowSeconds": 60,
        "selectPolicy": "Min",
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}],
        "tolerance": "50m",
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "selectPolicy": "Disabled",
        "policies": [{"type": "Percent", "value": 10, "periodSeconds": 120}],
    },
}
MEANT = Behavior(
    ScalingRules(60, Select.MIN, (Limit(LimitType.PODS, 4, 60),), 0.05),
    ScalingRules(300, Select.DISABLED, (Limit(LimitType.PERCENT, 10, 120),)),
)


def behavior(value: Any) -> Behavior:
    return ADAPTER.validate_python(value)


@pytest.mark.parametrize("written", [OWN, HPA, MEANT], ids=["own", "hpa", "record"])
def test_either_spelling(written: Any) -> None:
    assert behavior(written) == MEANT


def test_the_spellings_mix() -> None:
    assert behavior({"scale_up": HPA["scaleUp"], "scaleDown": OWN["scale_down"]}) == MEANT


@pytest.mark.parametrize("written", [{}, {"scale_up": {}}, {"scaleDown": {"policies": []}}])
def test_what_is_left_out_is_as_in_the_hpa(written: Any) -> None:
    assert behavior(written) == Behavior(
        ScalingRules(
            0, Select.MAX, (Limit(LimitType.PODS, 4, 15), Limit(LimitType.PERCENT, 100, 15))
        ),
        ScalingRules(None, Select.MAX, (Limit(LimitType.PERCENT, 100, 15),)),
    )


@pytest.mark.parametrize(
    ("written", "ratio"), [("0.2", 0.2), ("200m", 0.2), (0, 0.0), (None, None)]
)
def test_tolerance_is_a_number_or_a_quantity(written: Any, ratio: float | None) -> None:
    assert behavior({"scaleUp": {"tolerance": written}}).scale_up.tolerance == ratio


def test_faults_are_placed_and_all_told() -> None:
    limit = {"type": "Pods", "value": 0, "periodSeconds": 1801}
    broken = {"scaleUp": {"policies": [limit]}, "scaleDown": {"stabilizationWindowSeconds": 3601}}
    with pytest.raises(ValidationError) as caught:
        behavior(broken)
    assert [(fault["loc"], fault["msg"]) for fault in caught.value.errors()] == [
        (("scale_up", "limits", 0, "value"), "0 must be greater than 0"),
        (("scale_up", "limits", 0, "period_seconds"), "1801 must be between 1 and 1800"),
        (("scale_down", "stabilization_window_seconds"), "3601 must be between 0 and 3600"),
    ]


def test_one_thing_in_two_spellings_is_refused_wherever_it_is() -> None:
    limit = {"type": "pods", "value": 1, "period_seconds": 1, "periodSeconds": 1}
    with pytest.raises(ValidationError) as caught:
        behavior({"scale_up": {"limits": [limit], "policies": []}})
    assert [fault["loc"] for fault in caught.value.errors()] == [
        ("scale_up", "limits", 0, "periodSeconds"),
        ("scale_up", "policies"),
    ]

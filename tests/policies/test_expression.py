"""From a formula to replicas."""

from __future__ import annotations

import pytest

from autoscaler.interfaces import Context
from autoscaler.model import Recommendation
from autoscaler.policies.expression import ExpressionOptions, ExpressionPolicy
from tests.records import seen


def recommended(expression: str, **samples: float) -> Recommendation:
    policy = ExpressionPolicy(ExpressionOptions(expression=expression), Context("formula"))
    return policy.recommend(seen(samples=samples))


@pytest.mark.parametrize(
    ("expression", "replicas"),
    [
        ("queue_depth / 16", 3),
        ("queue_depth / 8", 5),
        ("max(queue_depth / 16, age / 30)", 4),
        ("0.1 * 3 / 0.1", 3),
        ("queue_depth - 100", 0),
        ("queue_depth * 0", 0),
        ("missing ?? 2", 2),
    ],
)
def test_replicas_are_the_value_rounded_up(expression: str, replicas: int) -> None:
    answer = recommended(expression, queue_depth=40, age=120)
    assert (answer.policy, answer.replicas, answer.reason) == ("formula", replicas, "Expression")
    assert answer.active is (replicas > 0)


def test_the_message_shows_the_value() -> None:
    assert recommended("queue_depth / 16", queue_depth=40).message == "queue_depth / 16 = 2.5"


@pytest.mark.parametrize(
    ("expression", "reason", "message"),
    [
        (
            "queue_depht / 16",
            "ExpressionUnknown",
            (
                "queue_depht / 16 has no value: there is no sample queue_depht; "
                "did you mean queue_depth?"
            ),
        ),
        ("1 / zero", "ExpressionUnknown", "1 / zero has no value: division by zero: 1 / 0"),
        (
            "queue_depth * 1e6",
            "ExpressionAbsurd",
            "queue_depth * 1e6 = 4e+07, more than 1000000 replicas",
        ),
    ],
)
def test_unknown_is_no_recommendation(expression: str, reason: str, message: str) -> None:
    answer = recommended(expression, queue_depth=40, zero=0)
    assert (answer.replicas, answer.reason, answer.message) == (None, reason, message)


def test_a_broken_formula_is_refused_at_load() -> None:
    with pytest.raises(ValueError, match="expected an operator or the end"):
        ExpressionOptions(expression="1 2")

"""Replicas by a formula over samples, such as `max(queue_depth / 16, task_age_seconds / 30)`."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, Field

from autoscaler.engine.expression import UnknownValueError
from autoscaler.engine.expression_parser import parse_expression
from autoscaler.interfaces import Context, Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation

ABSURD_REPLICAS = 1_000_000
ROUNDING_ERROR = 1e-9


def _checked(text: str) -> str:
    parse_expression(text)
    return text


class ExpressionOptions(Options):
    """The formula."""

    expression: Annotated[str, AfterValidator(_checked)] = Field(
        description="how many replicas, rounded up; see the configuration reference for its syntax"
    )


class ExpressionPolicy(Policy[ExpressionOptions]):
    """Rounds the value up; a negative one is no replicas, an unknown one is no recommendation."""

    options_type = ExpressionOptions

    def __init__(self, options: ExpressionOptions, context: Context) -> None:
        super().__init__(options, context)
        self._expression = parse_expression(options.expression)

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        name, text = self.context.name, self.options.expression
        try:
            value = self._expression.value(snapshot.samples)
        except UnknownValueError as error:
            return Recommendation(name, None, "ExpressionUnknown", f"{text} has no value: {error}")
        if value > ABSURD_REPLICAS:
            message = f"{text} = {value:g}, more than {ABSURD_REPLICAS} replicas"
            return Recommendation(name, None, "ExpressionAbsurd", message)
        replicas = max(0, math.ceil(value - ROUNDING_ERROR))
        message = f"{text} = {value:g}"
        return Recommendation(name, replicas, "Expression", message, active=replicas > 0)

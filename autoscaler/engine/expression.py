"""Arithmetic over samples, as a tree that was checked when it was parsed.

    max(queue_depth / 16, oldest_task_age_seconds / 30)
    demand_tasks{queue="etl"} ?? 4
    avg(cpu_percent) > 80 ? running_tasks / 8 : waiting_tasks / 16

A sample stands for the sum over its labels; `avg`, `min`, `max` and `count` of one sample alone
aggregate it otherwise. What cannot be told (no sample, division by zero, overflow) makes the
whole unknown, unless `??` gives a fallback.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autoscaler.engine.samples import Aggregate, value_of, why_missing
from autoscaler.model import Samples


class UnknownValueError(ValueError):
    """The expression has no value now; the text says why."""


class Expression(ABC):
    """Anything that has a value."""

    __slots__ = ()

    @abstractmethod
    def value(self, samples: Samples) -> float:
        """The finite value now. Raises UnknownValueError."""


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A constant."""

    constant: float

    def value(self, samples: Samples) -> float:
        return self.constant


@dataclass(frozen=True, slots=True)
class Selected(Expression):
    """All samples of one name with these labels, as one number."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    aggregate: Aggregate = Aggregate.SUM

    def value(self, samples: Samples) -> float:
        value = value_of(samples, self.name, self.labels, self.aggregate)
        if value is None:
            raise UnknownValueError(why_missing(samples, self.name, self.labels))
        return value


@dataclass(frozen=True, slots=True)
class Counted(Expression):
    """How many samples there are; none is unknown, not 0."""

    selected: Selected

    def value(self, samples: Samples) -> float:
        self.selected.value(samples)
        return float(len(samples.named(self.selected.name, self.selected.labels)))


@dataclass(frozen=True, slots=True)
class Negated(Expression):
    """The value with its sign turned."""

    operand: Expression

    def value(self, samples: Samples) -> float:
        return -self.operand.value(samples)


OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Operation(Expression):
    """Two values and an operator; a comparison is 1 or 0."""

    symbol: str
    left: Expression
    right: Expression

    def value(self, samples: Samples) -> float:
        left, right = self.left.value(samples), self.right.value(samples)
        try:
            result = float(OPERATORS[self.symbol](left, right))
        except ZeroDivisionError:
            raise UnknownValueError(f"division by zero: {left:g} {self.symbol} 0") from None
        return _finite(result)


@dataclass(frozen=True, slots=True)
class Choice(Expression):
    """One of two values: the first when the condition is not 0."""

    condition: Expression
    then: Expression
    otherwise: Expression

    def value(self, samples: Samples) -> float:
        chosen = self.then if self.condition.value(samples) else self.otherwise
        return chosen.value(samples)


@dataclass(frozen=True, slots=True)
class Fallback(Expression):
    """The first value, or the second while the first is unknown."""

    first: Expression
    second: Expression

    def value(self, samples: Samples) -> float:
        try:
            return self.first.value(samples)
        except UnknownValueError:
            return self.second.value(samples)


@dataclass(frozen=True, slots=True)
class Function:
    """What a name does with its arguments."""

    call: Callable[..., float]
    least_arguments: int
    most_arguments: int | None


def _clamp(value: float, least: float, most: float) -> float:
    return max(least, min(value, most))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(abs, 1, 1),
    "ceil": Function(math.ceil, 1, 1),
    "clamp": Function(_clamp, 3, 3),
    "floor": Function(math.floor, 1, 1),
    "max": Function(max, 2, None),
    "min": Function(min, 2, None),
}


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function of values."""

    name: str
    arguments: tuple[Expression, ...]

    def value(self, samples: Samples) -> float:
        values = [argument.value(samples) for argument in self.arguments]
        return float(FUNCTIONS[self.name].call(*values))


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise UnknownValueError("a value in it is too large")
    return value

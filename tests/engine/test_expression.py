"""What expressions are worth, and when they are worth nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.expression import UnknownValueError
from autoscaler.engine.expression_parser import parse_expression
from autoscaler.model import Sample, Samples

SAMPLES = Samples(
    [
        Sample("depth", 10, 0, {"queue": "a"}),
        Sample("depth", 30, 0, {"queue": "b"}),
        Sample("age", 90, 0),
        Sample("zero", 0, 0),
        Sample("broken", math.nan, 0),
    ]
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 - 2 - 1", 5),
        ("8 / 2 / 2", 2),
        ("7 % 4 * 2", 6),
        ("-2 * -3", 6),
        ("--2", 2),
        (".5 + 1.5e1", 15.5),
        ("depth", 40),
        ('depth{queue="a"}', 10),
        ("depth{queue='b',}", 30),
        ("depth{}", 40),
        ("sum(depth)", 40),
        ("avg(depth)", 20),
        ("min(depth)", 10),
        ("max(depth)", 30),
        ("count(depth)", 2),
        ("max(depth, age)", 90),
        ("min(depth, age, 7)", 7),
        ("ceil(1.2) + floor(1.8) + abs(-1)", 4),
        ("clamp(depth, 1, 5)", 5),
        ("clamp(-1, 1, 5)", 1),
        ("max(depth / 16, age / 30)", 3),
        ("age > 60 ? 5 : 1", 5),
        ("age < 60 ? 5 : 1", 1),
        ("zero ? 1 : age ? 2 : 3", 2),
        ("age >= 90", 1),
        ("age <= 89", 0),
        ("age == 90", 1),
        ("age != 90", 0),
        ("1 + 1 > 1", 1),
        ("missing ?? 4", 4),
        ("missing ?? other ?? 5", 5),
        ("age ?? 4", 90),
        ("missing + 1 ?? 4", 4),
        ("(missing ?? 1) + 1", 2),
        ("age / zero ?? 4", 4),
        ("missing ?? zero ? 1 : 2", 2),
        ("zero ? missing : 2", 2),
    ],
)
def test_value(text: str, value: float) -> None:
    assert parse_expression(text).value(SAMPLES) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("missing", "there is no sample missing"),
        ("age + missing", "there is no sample missing"),
        ("max(age, missing)", "there is no sample missing"),
        ("count(missing)", "there is no sample missing"),
        ("dpth / 4", "there is no sample dpth; did you mean depth?"),
        ('depth{queue="c"}', 'no sample of depth is labelled {queue="c"}'),
        ("broken", "broken is not a finite number"),
        ("age / zero", "division by zero: 90 / 0"),
        ("age % zero", "division by zero: 90 % 0"),
        ("1e308 * 10", "a value in it is too large"),
        ("age / (1e308 * 10)", "a value in it is too large"),
        ("missing ?? other", "there is no sample other"),
        ("missing ? 1 : 2", "there is no sample missing"),
    ],
)
def test_unknown_is_never_a_number(text: str, why: str) -> None:
    with pytest.raises(UnknownValueError) as caught:
        parse_expression(text).value(SAMPLES)
    assert str(caught.value) == why


NAMES = st.sampled_from(["depth", "age", "zero", "missing", "broken", "3", "0.5", "1e300"])
OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "<", "<=", "==", "??"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "%", "<", "<=", "==", "??"]), inner
        ).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda parts: "({} ? {} : {})".format(*parts)),
        inner.map(lambda part: f"-{part}"),
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_a_value_is_finite_or_unknown_with_a_reason(text: str) -> None:
    try:
        value = parse_expression(text).value(SAMPLES)
    except UnknownValueError as error:
        value, reason = 0.0, str(error)
        assert reason
    assert math.isfinite(value)

"""What is no expression is told where, and nothing else is ever raised."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoscaler.engine.expression import (
    Call,
    Choice,
    Counted,
    Expression,
    Fallback,
    Negated,
    Number,
    Operation,
    Selected,
)
from autoscaler.engine.expression_parser import (
    MAX_CHARACTERS,
    MAX_TOKENS,
    ExpressionError,
    parse_expression,
)
from autoscaler.engine.samples import Aggregate


def test_the_tree() -> None:
    assert parse_expression("max(-a / 2, count(b)) ?? c{d='e'} > 1 ? avg(f) : 0") == Choice(
        Fallback(
            Call(
                "max",
                (
                    Operation("/", Negated(Selected("a")), Number(2.0)),
                    Counted(Selected("b")),
                ),
            ),
            Operation(">", Selected("c", {"d": "e"}), Number(1.0)),
        ),
        Selected("f", {}, Aggregate.AVG),
        Number(0.0),
    )


OPERAND = "a number, a sample, a function or '('"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f"column 1: expected {OPERAND}, not the end: ^"),
        ("1 +", f"column 4: expected {OPERAND}, not the end: 1 +^"),
        ("1 2", "column 3: expected an operator or the end, not '2': 1 ^2"),
        ("a b", "column 3: expected an operator or the end, not 'b': a ^b"),
        ("(a", "column 3: expected ')', not the end: (a^"),
        ("a)", "column 2: expected an operator or the end, not ')': a^)"),
        ("max(a / , 3)", f"column 9: expected {OPERAND}, not ',': max(a / ^, 3)"),
        ("max(a b)", "column 7: expected ')', not 'b': max(a ^b)"),
        ("a ? 1", "column 6: expected ':', not the end: a ? 1^"),
        ("a{q", "column 4: expected '=', not the end: a{q^"),
        ("a{1}", "column 3: expected a label, not '1': a{^1}"),
        ("a{q=1}", "column 5: expected a value in quotes, not '1': a{q=^1}"),
        ("a{q='x' r='y'}", "column 9: expected ',', not 'r': a{q='x' ^r='y'}"),
        ("a{q='x", "column 5: \"'\" means nothing here: a{q=^'x"),
        ("a & b", "column 3: '&' means nothing here: a ^& b"),
        ("é", "column 1: 'é' means nothing here: ^é"),
        ("1e999", "column 1: the number is too large: ^1e999"),
        ("1 < 2 < 3", "column 7: comparisons cannot be chained; use brackets: 1 < 2 ^< 3"),
        ("sum(1)", "column 1: sum takes one sample, such as sum(x): ^sum(1)"),
        ("avg(a, b)", "column 1: avg takes one sample, such as avg(x): ^avg(a, b)"),
        ("max(1)", "column 1: max takes 2 or more arguments, not 1: ^max(1)"),
        ("abs(1, 2)", "column 1: abs takes 1 arguments, not 2: ^abs(1, 2)"),
        ("clamp(1, 2)", "column 1: clamp takes 3 arguments, not 2: ^clamp(1, 2)"),
        (
            "sqrt(4)",
            (
                "column 1: no function is called 'sqrt'; there are: "
                "abs, avg, ceil, clamp, count, floor, max, min, sum: ^sqrt(4)"
            ),
        ),
        (
            "1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 +\n+ 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1",
            (
                f"column 33: expected {OPERAND}, not '+': "
                "+ 1 + 1 + 1 + 1 + 1 + 1 + 1 + ^+ 1 + 1 + 1 + 1 + 1 + 1 + 1 +"
            ),
        ),
    ],
)
def test_fault(text: str, fault: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1" * (MAX_CHARACTERS + 1), "longer than 2000 characters"),
        ("a+" * MAX_TOKENS, "longer than 250 words"),
        ("(" * 30 + "1" + ")" * 30, "nested deeper than 25 levels"),
        ("-" * 30 + "1", "nested deeper than 25 levels"),
        ("a ? " * 30 + "1" + " : 2" * 30, "nested deeper than 25 levels"),
        ("a ?? " * 30 + "1", "nested deeper than 25 levels"),
    ],
    ids=["characters", "words", "brackets", "signs", "choices", "fallbacks"],
)
def test_size_is_bounded(text: str, fault: str) -> None:
    with pytest.raises(ExpressionError, match=fault):
        parse_expression(text)


def test_a_long_chain_is_no_depth() -> None:
    assert isinstance(parse_expression("+".join("a" * (MAX_TOKENS // 2))), Operation)


PIECES = ["max", "sum", "count", "(", ")", "a", "1", ".", "+", "-", "%", "<", "?", ":", "??", ","]
PIECES += ["{", "q", "=", '"x"', "}", "'", "&"]


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
@example("a{q='\n'}")
@example("\x00")
def test_any_text_is_an_expression_or_a_fault_of_one_line(text: str) -> None:
    try:
        parsed: object = parse_expression(text)
    except ExpressionError as error:
        parsed = str(error)
    assert isinstance(parsed, Expression) or "\n" not in str(parsed)

"""Text to `Expression`: a Pratt parser, bounded in length and depth."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from autoscaler.engine.expression import (
    FUNCTIONS,
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
from autoscaler.engine.samples import Aggregate

MAX_CHARACTERS = 2000
MAX_TOKENS = 250
MAX_DEPTH = 25
SHOWN_CHARACTERS = 30

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number> (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)? )
    | (?P<name>   [A-Za-z_][A-Za-z0-9_]* )
    | (?P<text>   "[^"]*" | '[^']*' )
    | (?P<symbol> \?\?|<=|>=|==|!=|[-+*/%<>?:(){},=] )
    | (?P<end>    $ )
    )""",
    re.VERBOSE | re.ASCII,
)
_CHOICE, _FALLBACK, _COMPARISON, _SUM, _PRODUCT, _SIGN = range(1, 7)
_BINDING = (
    {"?": _CHOICE, "??": _FALLBACK}
    | dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), _COMPARISON)
    | dict.fromkeys("+-", _SUM)
    | dict.fromkeys("*/%", _PRODUCT)
)
_AGGREGATES = {"sum", "avg", "min", "max", "count"}


class ExpressionError(ValueError):
    """The text is no expression; a `^` in the message stands before what is wrong."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def parse_expression(text: str) -> Expression:
    """The expression that the text writes. Raises ExpressionError and nothing else."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"longer than {MAX_CHARACTERS} characters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._read())
        self._next = 0
        self._depth = 0
        if len(self._tokens) > MAX_TOKENS:
            raise self._error(self._tokens[MAX_TOKENS], f"longer than {MAX_TOKENS} words")

    def whole(self) -> Expression:
        expression = self._expression(0)
        if self._here.kind != "end":
            raise self._unexpected("an operator or the end")
        return expression

    def _read(self) -> Iterator[_Token]:
        position = 0
        while True:
            found = _TOKEN.match(self._text, position)
            if found is None or found.lastgroup is None:
                start = len(self._text) - len(self._text[position:].lstrip())
                wrong = _Token("wrong", self._text[start : start + 1], start)
                raise self._error(wrong, f"{wrong} means nothing here")
            kind = found.lastgroup
            yield _Token(kind, found[kind], found.start(kind))
            if kind == "end":
                return
            position = found.end()

    def _expression(self, binding: int) -> Expression:
        """The longest expression whose operators bind more tightly than `binding`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(self._here, f"nested deeper than {MAX_DEPTH} levels")
        left = self._operand()
        while _BINDING.get(self._here.text, 0) > binding:
            left = self._continued(left)
        self._depth -= 1
        return left

    def _continued(self, left: Expression) -> Expression:
        operator = self._take()
        strength = _BINDING[operator.text]
        if operator.text == "?":
            then = self._expression(0)
            self._expect(":")
            return Choice(left, then, self._expression(_CHOICE - 1))
        if operator.text == "??":
            return Fallback(left, self._expression(_FALLBACK - 1))
        right = self._expression(strength)
        if strength == _COMPARISON and _BINDING.get(self._here.text) == _COMPARISON:
            raise self._error(self._here, "comparisons cannot be chained; use brackets")
        return Operation(operator.text, left, right)

    def _operand(self) -> Expression:
        token = self._here
        if token.kind == "number":
            return self._number()
        if token.kind == "name":
            return self._named()
        if token.text == "-":
            self._take()
            return Negated(self._expression(_SIGN))
        if token.text == "(":
            self._take()
            inner = self._expression(0)
            self._expect(")")
            return inner
        raise self._unexpected("a number, a sample, a function or '('")

    def _number(self) -> Expression:
        token = self._take()
        number = float(token.text)
        if not math.isfinite(number):
            raise self._error(token, "the number is too large")
        return Number(number)

    def _named(self) -> Expression:
        name = self._take()
        if self._here.text != "(":
            return Selected(name.text, self._labels())
        if name.text not in FUNCTIONS and name.text not in _AGGREGATES:
            known = ", ".join(sorted(_AGGREGATES | FUNCTIONS.keys()))
            raise self._error(name, f"no function is called {name}; there are: {known}")
        return self._called(name, self._arguments())

    def _labels(self) -> dict[str, str]:
        labels: dict[str, str] = {}
        if self._here.text != "{":
            return labels
        self._take()
        while self._here.text != "}":
            key = self._take_kind("name", "a label")
            self._expect("=")
            labels[key.text] = self._take_kind("text", "a value in quotes").text[1:-1]
            if self._here.text != "}":
                self._expect(",")
        self._take()
        return labels

    def _arguments(self) -> tuple[Expression, ...]:
        self._expect("(")
        arguments = [self._expression(0)]
        while self._here.text == ",":
            self._take()
            arguments.append(self._expression(0))
        self._expect(")")
        return tuple(arguments)

    def _called(self, name: _Token, arguments: tuple[Expression, ...]) -> Expression:
        first = arguments[0]
        if name.text in _AGGREGATES and len(arguments) == 1 and isinstance(first, Selected):
            if name.text == "count":
                return Counted(first)
            return Selected(first.name, first.labels, Aggregate(name.text))
        if name.text not in FUNCTIONS:
            raise self._error(name, f"{name.text} takes one sample, such as {name.text}(x)")
        function = FUNCTIONS[name.text]
        most = function.most_arguments
        if len(arguments) < function.least_arguments or (most and len(arguments) > most):
            wanted = f"{function.least_arguments}" + ("" if most else " or more")
            raise self._error(name, f"{name.text} takes {wanted} arguments, not {len(arguments)}")
        return Call(name.text, arguments)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _take_kind(self, kind: str, wanted: str) -> _Token:
        if self._here.kind != kind:
            raise self._unexpected(wanted)
        return self._take()

    def _expect(self, symbol: str) -> None:
        if self._here.kind != "symbol" or self._here.text != symbol:
            raise self._unexpected(repr(symbol))
        self._take()

    def _unexpected(self, wanted: str) -> ExpressionError:
        return self._error(self._here, f"expected {wanted}, not {self._here}")

    def _error(self, token: _Token, message: str) -> ExpressionError:
        before = self._text[max(0, token.position - SHOWN_CHARACTERS) : token.position]
        after = self._text[token.position : token.position + SHOWN_CHARACTERS]
        place = " ".join(f"{before}^{after}".split())
        return ExpressionError(f"column {token.position + 1}: {message}: {place}")

"""KEDA's scalingModifiers: one formula over all triggers, as an expression."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autoscaler.convert.draft import Draft, NoteKind
from autoscaler.convert.fields import Fields
from autoscaler.quantity import plain

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTIONS = {"abs", "ceil", "floor", "max", "min"}


def read_modifiers(fields: Fields, draft: Draft, samples: Mapping[str, str]) -> None:
    """In KEDA the formula takes the place of all triggers; so does its expression here.

    samples: the sample of each named trigger.
    """
    if "formula" not in fields:
        fields.close()
        return
    formula = fields.text("formula")
    target = fields.positive("target") or 1.0
    fields.ignore("activationTarget", "metricType")
    fields.close()
    expression = f"({_renamed(formula, samples)}) / {plain(target)}"
    why = _why_not(formula, expression, samples)
    if why:
        message = f"{why}; each trigger has a policy of its own instead, and the highest wins"
        draft.note(NoteKind.LOST, fields.place("formula"), fields.line, message)
        return
    draft.policies[:] = [{"kind": "expression", "expression": expression}]


def _renamed(formula: str, samples: Mapping[str, str]) -> str:
    return _NAME.sub(lambda found: samples.get(found[0]) or found[0], formula)


def _why_not(formula: str, expression: str, samples: Mapping[str, str]) -> str:
    """Why the expression does not mean the same; '' if it does."""
    from autoscaler.engine.expression_parser import (  # noqa: PLC0415 - few formulas are written
        ExpressionError,
        parse_expression,
    )

    unknown = [name for name in _NAME.findall(formula) if not samples.get(name)]
    unknown = [name for name in unknown if name not in _FUNCTIONS]
    if unknown:
        return f"{unknown[0]!r} in it has no sample here"
    try:
        parse_expression(expression)
    except ExpressionError as error:
        return f"it is no expression here: {error}"
    return ""

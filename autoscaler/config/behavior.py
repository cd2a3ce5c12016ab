"""`behavior` as written: in this project's spelling, or pasted from a HorizontalPodAutoscaler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from autoscaler.config.faults import Fault, invalid
from autoscaler.document import Location
from autoscaler.engine.behavior import (
    LONGEST_PERIOD_SECONDS,
    LONGEST_WINDOW_SECONDS,
    validate_behavior,
    with_defaults,
)
from autoscaler.model import Behavior

HPA_SPELLING = {
    "scale_up": "scaleUp",
    "scale_down": "scaleDown",
    "limits": "policies",
    "select": "selectPolicy",
    "stabilization_window_seconds": "stabilizationWindowSeconds",
    "period_seconds": "periodSeconds",
}
_OWN_SPELLING: dict[Any, str] = {theirs: ours for ours, theirs in HPA_SPELLING.items()}
_MILLI = re.compile(r"([0-9]{1,9})m")


_HPA_LIMIT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "value", "periodSeconds"],
    "properties": {
        "type": {"enum": ["Pods", "Percent"]},
        "value": {"type": "integer", "minimum": 1},
        "periodSeconds": {"type": "integer", "minimum": 1, "maximum": LONGEST_PERIOD_SECONDS},
    },
}
_HPA_RULES = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "stabilizationWindowSeconds": {
            "type": "integer",
            "minimum": 0,
            "maximum": LONGEST_WINDOW_SECONDS,
        },
        "selectPolicy": {"enum": ["Max", "Min", "Disabled"]},
        "policies": {"type": "array", "items": _HPA_LIMIT},
        "tolerance": {"type": ["number", "string"]},
    },
}
_HPA_SCHEMA = {
    "title": "HPA spelling",
    "type": "object",
    "additionalProperties": False,
    "properties": {"scaleUp": _HPA_RULES, "scaleDown": _HPA_RULES},
}


class _BothSpellings:
    """Tells editors of both spellings."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        own = {**handler.resolve_ref_schema(handler(schema)), "additionalProperties": False}
        own.pop("required")
        return {"anyOf": [own, _HPA_SCHEMA]}


def _in_own_spelling(value: Any) -> Any:
    """The mapping as `Behavior` wants it; a direction that is left out has no rules of its own."""
    if not isinstance(value, dict):
        return value
    if faults := list(_twice(value, ())):
        raise invalid("behavior", faults)
    return {"scale_up": {}, "scale_down": {}} | _renamed(value)


def _twice(value: Any, location: Location) -> Iterator[Fault]:
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _twice(item, (*location, index))
    if isinstance(value, dict):
        for key, item in value.items():
            if _OWN_SPELLING.get(key) in value:
                yield (*location, key), f"the same as {_OWN_SPELLING[key]!r}; write one of them"
            yield from _twice(item, (*location, key))


def _renamed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_renamed(item) for item in value)
    if isinstance(value, dict):
        renamed = {_OWN_SPELLING.get(key, key): _renamed(item) for key, item in value.items()}
        return {key: _own_value(key, item) for key, item in renamed.items()}
    return value


def _own_value(key: Any, value: Any) -> Any:
    """`Pods` -> `pods`, `Max` -> `max`, and the Kubernetes quantity `50m` -> 0.05."""
    if key in ("type", "select") and isinstance(value, str):
        return value.lower()
    if key == "tolerance" and isinstance(value, str) and (milli := _MILLI.fullmatch(value)):
        return int(milli.group(1)) / 1000
    return value


def _completed(behavior: Behavior) -> Behavior:
    complete = with_defaults(behavior.scale_up, behavior.scale_down)
    if faults := validate_behavior(complete, path=""):
        raise invalid("behavior", map(_located, faults))
    return complete


def _located(fault: str) -> Fault:
    path, _, message = fault.partition(": ")
    parts = re.findall(r"[^.\[\]]+", path)
    return tuple(int(part) if part.isdigit() else part for part in parts), message


BehaviorConfig = Annotated[
    Behavior, AfterValidator(_completed), BeforeValidator(_in_own_spelling), _BothSpellings()
]

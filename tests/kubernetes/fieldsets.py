"""Sets of fields: the paths of an object's values, and fieldsV1, the form that shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.kubernetes.kinds import Item
from tests.kubernetes.schema import MAPS, keyed

Path = tuple[str, ...]
ITSELF = "."
_NOT_OWNED = {
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
}


def leaves(item: Item) -> dict[Path, Any]:
    """Every field that holds a value; a list whose elements have no identity is one value."""
    found: dict[Path, Any] = {}
    for name, value in item.items():
        if name == "metadata":
            value = {k: v for k, v in value.items() if k not in _NOT_OWNED}  # noqa: PLW2901
            if not value:
                continue
        if name not in ("apiVersion", "kind"):
            _descend((f"f:{name}",), value, found)
    return found


def _descend(path: Path, value: Any, found: dict[Path, Any]) -> None:
    elements = keyed(path[-1][2:], value)
    if elements:
        for step, one in elements.items():
            if isinstance(one, dict):
                found[*path, step, ITSELF] = None
                _descend((*path, step), one, found)
            else:
                found[*path, step] = None
    elif isinstance(value, dict) and value:
        if path[-1][2:] in MAPS:
            found[*path, ITSELF] = None
        for name, inner in value.items():
            _descend((*path, f"f:{name}"), inner, found)
    else:
        found[path] = value


def fields_of(paths: Iterable[Path]) -> Item:
    """As fieldsV1."""
    made: Item = {}
    for path in sorted(paths):
        place = made
        for step in path:
            place = place.setdefault(step, {})
    return made


def paths_of(fields: Item, above: Path = ()) -> set[Path]:
    """What fieldsV1 names."""
    found: set[Path] = set()
    for step, inner in fields.items():
        found |= paths_of(inner, (*above, step)) if inner else {(*above, step)}
    return found


def shown(path: Path) -> str:
    """As errors have it, such as .spec.containers[name="worker"].image."""
    text = ""
    for step in path:
        mark, _, name = step.partition(":")
        if mark == "f":
            text += f".{name}"
        elif mark == "k":
            text += "".join(f"[{k}={json.dumps(v)}]" for k, v in json.loads(name).items())
        elif mark == "v":
            text += f"[={name}]"
    return text

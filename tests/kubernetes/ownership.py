"""managedFields: who wrote which field last, by manager, operation and subresource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.kubernetes.kinds import Item, Kind

Path = tuple[str, ...]
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


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: the fieldManager, and the subresource that is written through."""

    manager: str
    subresource: str = ""
    operation: str = "Update"


def recorded(kind: Kind, before: Item, after: Item, author: Author, now: str) -> list[Item]:
    """The managedFields after a write: what changed belongs to its author, and to nobody else."""
    old, new = _leaves(before), _leaves(after)
    changed = {path for path, value in new.items() if old.get(path, ...) != value}
    lost = changed | (old.keys() - new.keys())
    entries, ours = [], set(changed)
    for entry in before.get("metadata", {}).get("managedFields") or ():
        paths = _paths(entry["fieldsV1"]) - lost
        if _is_by(entry, author):
            ours |= paths
            kept_time = entry["time"]
        elif paths:
            entries.append({**entry, "fieldsV1": _fields(paths)})
    if not ours:
        return entries
    if not changed:
        return [*entries, _entry(kind, author, kept_time, ours)]
    return [*entries, _entry(kind, author, now, ours)]


def _entry(kind: Kind, author: Author, time: str, paths: set[Path]) -> Item:
    entry = {
        "manager": author.manager,
        "operation": author.operation,
        "apiVersion": kind.api_version,
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields(paths),
    }
    return entry | ({"subresource": author.subresource} if author.subresource else {})


def _is_by(entry: Item, author: Author) -> bool:
    return (entry["manager"], entry["operation"], entry.get("subresource", "")) == (
        author.manager,
        author.operation,
        author.subresource,
    )


def _leaves(item: Item) -> dict[Path, Any]:
    """Every field that holds a value; a list is one value."""
    found: dict[Path, Any] = {}
    for name, value in item.items():
        if name == "metadata":
            value = {k: v for k, v in value.items() if k not in _NOT_OWNED}  # noqa: PLW2901
        if name not in ("apiVersion", "kind"):
            _descend((f"f:{name}",), value, found)
    return found


def _descend(path: Path, value: Any, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            _descend((*path, f"f:{name}"), inner, found)
    else:
        found[path] = value


def _fields(paths: set[Path]) -> Item:
    made: Item = {}
    for path in sorted(paths):
        place = made
        for step in path:
            place = place.setdefault(step, {})
    return made


def _paths(fields: Item, above: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for step, inner in fields.items():
        found |= _paths(inner, (*above, step)) if inner else {(*above, step)}
    return found

"""Server-side apply: what an object becomes, who then owns what, and who stands in the way."""

from __future__ import annotations

import copy
from typing import Any

from tests.kubernetes.fieldsets import ITSELF, Path, fields_of, leaves, paths_of, shown
from tests.kubernetes.kinds import Item, Kind
from tests.kubernetes.ownership import APPLY, Author, entries_of, entry_of
from tests.kubernetes.refusals import Refused
from tests.kubernetes.schema import keyed


def applied(before: Item, config: Item, author: Author, *, force: bool) -> Item:
    """The object with what is wanted of it. Raises Refused (409) where others want otherwise.

    What this author wanted before and no longer does is removed, unless somebody else owns it.
    """
    live, wanted = leaves(before), leaves(config)
    others = _others(before, author)
    if not force:
        _refuse_conflicts(others, {path for path in wanted if live.get(path, ...) != wanted[path]})
    ours = next((paths_of(e["fieldsV1"]) for e in entries_of(before) if author.wrote(e)), set())
    elsewhere = {path for entry in others for path in paths_of(entry["fieldsV1"])}
    made = copy.deepcopy(before)
    for path in sorted(ours - wanted.keys() - elsewhere, key=len, reverse=True):
        _remove(made, path)
    unwanted = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
    metadata = {k: v for k, v in config.get("metadata", {}).items() if k not in unwanted}
    return _merged(made, {**config, "metadata": metadata}, "")


def owned_after_apply(
    kind: Kind, before: Item, config: Item, author: Author, now: str
) -> list[Item]:
    """The managedFields: all that is wanted belongs to the author, also what others want alike."""
    live, wanted = leaves(before), leaves(config)
    taken = {path for path in wanted if live.get(path, ...) != wanted[path]}
    entries = [
        {**entry, "fieldsV1": fields_of(paths)}
        for entry in _others(before, author)
        if (paths := paths_of(entry["fieldsV1"]) - taken)
    ]
    made = entry_of(kind, author, now, wanted.keys())
    for entry in entries_of(before):
        if author.wrote(entry) and entry["fieldsV1"] == made["fieldsV1"] and not taken:
            made["time"] = entry["time"]
    return [*entries, made]


def _others(before: Item, author: Author) -> list[Item]:
    return [entry for entry in entries_of(before) if not author.wrote(entry)]


def _refuse_conflicts(others: list[Item], changed: set[Path]) -> None:
    found = [
        (_named(entry), shown(path))
        for entry in others
        for path in sorted(paths_of(entry["fieldsV1"]) & changed)
        if path[-1] != ITSELF
    ]
    if not found:
        return
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field}
        for who, field in found
    ]
    if len(found) == 1:
        message = f"Apply failed with 1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    else:
        lines = []
        for who in sorted({who for who, _ in found}):
            lines += [f"conflicts with {who}:", *(f"- {f}" for name, f in found if name == who)]
        message = f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
    raise Refused(409, message, causes=causes)


def _named(entry: Item) -> str:
    subresource = entry.get("subresource")
    text = f'"{entry["manager"]}"' + (f' with subresource "{subresource}"' if subresource else "")
    return text if entry["operation"] == APPLY else f"{text} using {entry['apiVersion']}"


def _merged(target: Any, config: Any, name: str) -> Any:
    elements = keyed(name, config)
    if elements is not None:
        made = dict(keyed(name, target) or {})
        for step, one in elements.items():
            made[step] = _merged(made.get(step), one, "")
        return [*made.values()]
    if not isinstance(config, dict):
        return config
    made = dict(target) if isinstance(target, dict) else {}
    for inner, value in config.items():
        made[inner] = _merged(made.get(inner), value, inner)
    return made


def _remove(item: Any, path: Path) -> None:
    """Take one value away; of an element of a list, the element when it is named itself."""
    holder, name, *below = item, path[0][2:], *path[1:]
    if not isinstance(holder, dict) or name not in holder:
        return
    if not below:
        del holder[name]
    elif below[0].startswith(("k:", "v:")):
        elements = keyed(name, holder[name]) or {}
        if below[0] in elements and below[1:] in ([], [ITSELF]):
            del elements[below[0]]
            holder[name] = [*elements.values()]
        elif below[0] in elements:
            _remove(elements[below[0]], tuple(below[1:]))
    elif below[0] != ITSELF:
        _remove(holder[name], tuple(below))
        if holder[name] == {}:
            del holder[name]

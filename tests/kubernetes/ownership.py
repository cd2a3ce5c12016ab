"""managedFields: who wrote which field last, by manager, operation and subresource."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tests.kubernetes.fieldsets import Path, fields_of, leaves, paths_of
from tests.kubernetes.kinds import Item, Kind

UPDATE, APPLY = "Update", "Apply"


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: the fieldManager, and the subresource that is written through."""

    manager: str
    subresource: str = ""
    operation: str = UPDATE

    def wrote(self, entry: Item) -> bool:
        return self == Author(entry["manager"], entry.get("subresource", ""), entry["operation"])


def entries_of(item: Item) -> list[Item]:
    return item.get("metadata", {}).get("managedFields") or []


def recorded(kind: Kind, before: Item, after: Item, author: Author, now: str) -> list[Item]:
    """The managedFields after an update: what changed belongs to its author, and to nobody else."""
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    old = leaves({name: before[name] for name in differing & before.keys()})
    new = leaves({name: after[name] for name in differing & after.keys()})
    changed = {path for path, value in new.items() if old.get(path, ...) != value}
    lost = changed | (old.keys() - new.keys())
    roots = {path[0] for path in lost}
    entries, ours, time = [], set(changed), now
    for entry in entries_of(before):
        if not author.wrote(entry) and not roots & entry["fieldsV1"].keys():
            entries.append(entry)
            continue
        paths = paths_of(entry["fieldsV1"]) - lost
        if author.wrote(entry):
            ours |= paths
            time = now if changed else entry["time"]
        elif paths:
            entries.append({**entry, "fieldsV1": fields_of(paths)})
    return [*entries, entry_of(kind, author, time, ours)] if ours else entries


def entry_of(kind: Kind, author: Author, time: str, paths: Collection[Path]) -> Item:
    entry = {
        "manager": author.manager,
        "operation": author.operation,
        "apiVersion": kind.api_version,
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields_of(paths),
    }
    return entry | ({"subresource": author.subresource} if author.subresource else {})

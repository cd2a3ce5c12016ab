"""Label and field selectors, as lists and watches take them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.kubernetes.kinds import Item, Kind
from tests.kubernetes.refusals import Refused

Selector = Callable[[Item], bool]
_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_FIELDS = {
    "pods": ("spec.nodeName", "status.phase", "spec.restartPolicy", "status.podIP"),
    "replicasets": ("status.replicas",),
    "nodes": ("spec.unschedulable",),
    "events": (
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.uid",
        "reason",
        "type",
    ),
}


def parse(kind: Kind, query: Mapping[str, str]) -> Selector:
    """Whether an object fits both selectors of a request. Raises Refused."""
    wanted = [_label(part) for part in _split(query.get("labelSelector", ""))]
    wanted += [_field(kind, part) for part in query.get("fieldSelector", "").split(",") if part]
    return lambda item: all(fits(item) for fits in wanted)


def parse_labels(selector: Mapping[str, Any] | None) -> Selector:
    """Of a LabelSelector: an empty one fits everything, and none fits nothing."""
    if selector is None:
        return lambda _: False
    wanted = [_label(part) for part in _split(text_of(selector))]
    return lambda item: all(fits(item) for fits in wanted)


def text_of(selector: Mapping[str, Any]) -> str:
    """A LabelSelector as text."""
    words = {"In": "{k} in ({v})", "NotIn": "{k} notin ({v})", "Exists": "{k}"}
    words |= {"DoesNotExist": "!{k}"}
    parts = [f"{k}={v}" for k, v in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        values = ",".join(one.get("values") or ())
        parts.append(words[one["operator"]].format(k=one["key"], v=values))
    return ",".join(parts)


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _label(part: str) -> Selector:
    if found := _SET.match(part):
        key, operator, values = found.groups()
        among = {value.strip() for value in values.split(",")}
        return lambda item: (_labels(item).get(key) in among) == (operator == "in")
    if "!=" in part:
        key, _, value = part.partition("!=")
        return lambda item: _labels(item).get(key.strip()) != value.strip()
    if "=" in part:
        key, value = re.split(r"==?", part, maxsplit=1)
        return lambda item: _labels(item).get(key.strip()) == value.strip()
    if part.startswith("!"):
        return lambda item: part[1:].strip() not in _labels(item)
    return lambda item: part in _labels(item)


def _field(kind: Kind, part: str) -> Selector:
    path, operator, value = (text.strip() for text in re.split(r"(!=|==?)", part, maxsplit=1))
    known = ("metadata.name", "metadata.namespace", *_FIELDS.get(kind.table, ()))
    if path not in known:
        raise Refused(400, f'field label not supported: "{path}"')
    return lambda item: (_at(item, path) == value) == (operator != "!=")


def _at(item: Item, path: str) -> str:
    found: Any = item
    for name in path.split("."):
        found = (found or {}).get(name)
    return "" if found is None else str(found).lower() if found is True else str(found)


def _labels(item: Item) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}

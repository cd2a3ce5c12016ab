"""Strict field validation by the official client's models, and what no update may change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from tests.kubernetes.kinds import Item, Kind
from tests.kubernetes.refusals import Refused, invalid

_LIST = re.compile(r"^list\[(.+)\]$")
_DICT = re.compile(r"^dict\(?\[?str, ?(.+)\]$")
_MICRO_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$")
_POD_MAY_CHANGE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")


Stray = tuple[Item, str, str]
"""Where an unknown field is, its name, and its path."""


def refuse_unknown(kind: Kind, item: Item, model: str) -> None:
    """Raises Refused (400) with every unknown field, as fieldValidation=Strict does."""
    faults = [f'unknown field "{path}"' for _, _, path in _strays(item, model)]
    if faults:
        raise Refused(
            400,
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: '
            f"strict decoding error: {', '.join(faults)}",
        )


def refuse_undeclared(kind: Kind, config: Item, model: str) -> None:
    """Raises Refused (500) with the first unknown field, as apply does however it validates."""
    for _, _, path in _strays(config, model):
        metadata = config["metadata"]
        what = f"{metadata.get('namespace', '')}/{metadata['name']}; {kind.api_version}"
        why = f".{path}: field not declared in schema"
        message = f"failed to create typed patch object ({what}, Kind={kind.name}): {why}"
        raise Refused(500, message)


def without_unknown(item: Item, model: str) -> Item:
    """The item, its unknown fields taken out of it."""
    for holder, name, _ in list(_strays(item, model)):
        del holder[name]
    return item


def _strays(item: Any, model: str, path: str = "") -> Iterator[Stray]:
    """Unknown fields; of what has no model, none."""
    if found := _LIST.match(model):
        for number, one in enumerate(item or ()):
            yield from _strays(one, found[1], f"{path}[{number}]")
    elif found := _DICT.match(model):
        for name, one in (item or {}).items():
            yield from _strays(one, found[1], f"{path}.{name}")
    elif (fields := _fields(model)) is not None and isinstance(item, dict):
        for name, value in item.items():
            here = f"{path}.{name}" if path else name
            if name in fields:
                yield from _strays(value, fields[name], here)
            else:
                yield item, name, here


def refuse_changes(kind: Kind, before: Item, after: Item, subresource: str = "") -> None:
    """Raises Refused (422) where a write changes what cannot be changed."""
    name = before["metadata"]["name"]
    for field in ("name", "namespace", "uid", "creationTimestamp"):
        was, now = before["metadata"].get(field), after["metadata"].get(field)
        if was != now:
            why = f'metadata.{field}: Invalid value: "{now}": field is immutable'
            raise invalid(kind, name, why)
    selector = (before.get("spec") or {}).get("selector")
    if kind.group == "apps" and selector != (after.get("spec") or {}).get("selector"):
        raise invalid(kind, name, "spec.selector: Invalid value: field is immutable")
    if kind.name == "Pod" and subresource != "resize" and _fixed(before) != _fixed(after):
        why = "spec: Forbidden: pod updates may not change fields other than image"
        raise invalid(kind, name, why)
    refuse_values(kind, after)


def refuse_new(kind: Kind, item: Item) -> None:
    """Raises Refused (422) for what cannot be created."""
    name = item["metadata"].get("name", "")
    if not name:
        raise invalid(kind, name, "metadata.name: Required value: name or generateName is required")
    spec = item.get("spec") or {}
    if kind.group == "apps":
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        wanted = (spec.get("selector") or {}).get("matchLabels") or {}
        if not wanted.items() <= labels.items() or not spec.get("selector"):
            why = "spec.template.metadata.labels: `selector` does not match template `labels`"
            raise invalid(kind, name, why)
    refuse_values(kind, item)


def refuse_values(kind: Kind, item: Item) -> None:
    """Raises Refused for values that no workload may have."""
    for name, value in (item["metadata"].get("annotations") or {}).items():
        if not isinstance(value, str):
            raise Refused(400, f"json: cannot unmarshal {name} into Go struct field of type string")
    replicas = (item.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise Refused(400, "json: cannot unmarshal spec.replicas into a value of type int32")
    if replicas < 0:
        why = f"spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0"
        raise invalid(kind, item["metadata"]["name"], why)
    if kind.plural == "leases":
        _refuse_lease(kind, item)


def _refuse_lease(kind: Kind, item: Item) -> None:
    """A Lease has times in microseconds, always."""
    name, spec = item["metadata"]["name"], item.get("spec") or {}
    for field in ("renewTime", "acquireTime"):
        if spec.get(field) is not None and not _MICRO_TIME.match(spec[field]):
            raise Refused(400, f'parsing time "{spec[field]}" as RFC3339Micro failed')
    if spec.get("leaseDurationSeconds", 1) <= 0:
        raise invalid(kind, name, "spec.leaseDurationSeconds: must be greater than 0")
    if spec.get("leaseTransitions", 0) < 0:
        raise invalid(kind, name, "spec.leaseTransitions: must be greater than or equal to 0")


def _fixed(pod: Item) -> Item:
    spec = {k: v for k, v in (pod.get("spec") or {}).items() if k not in _POD_MAY_CHANGE}
    for part in ("containers", "initContainers"):
        if part in spec:
            spec[part] = [{k: v for k, v in one.items() if k != "image"} for one in spec[part]]
    return spec


@cache
def _fields(model: str) -> dict[str, str] | None:
    """JSON name -> type; None for what is no model of its own."""
    models = import_module("kubernetes.aio.client.models")
    found = getattr(models, model, None)
    if found is None:
        return None
    return {found.attribute_map[name]: kind for name, kind in found.openapi_types.items()}

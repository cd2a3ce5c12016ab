"""The three kinds of patch: merge (RFC 7386), strategic merge, and JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from tests.kubernetes.kinds import Kind
from tests.kubernetes.refusals import Refused
from tests.kubernetes.schema import KEYS, SETS


def patched(kind: Kind, item: Any, patch: Any, content_type: str) -> Any:
    """What a patch makes of an object, which itself stays as it was. Raises Refused."""
    applied: dict[str, Callable[[Any, Any], Any]] = {
        "application/merge-patch+json": merged,
        "application/strategic-merge-patch+json": strategic,
        "application/json-patch+json": json_patched,
    }
    media_type = content_type.partition(";")[0].strip()
    if kind.custom:
        del applied["application/strategic-merge-patch+json"]
    if media_type not in applied:
        known = ", ".join(applied)
        raise Refused(
            415,
            "the body of the request was in an unknown format - "
            f"accepted media types include: {known}",
        )
    if isinstance(patch, list) != (media_type == "application/json-patch+json"):
        raise Refused(400, "error decoding patch: cannot unmarshal")
    return applied[media_type](copy.deepcopy(item), patch)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made


def strategic(target: Any, patch: Any, name: str = "") -> Any:
    """As merge, but lists whose elements have names are merged by them."""
    if isinstance(patch, list) and (key := KEYS.get(name)):
        return _by_key(target or [], patch, key)
    if isinstance(patch, list) and name in SETS:
        return [*dict.fromkeys([*(target or []), *patch])]
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    made = dict(target) if isinstance(target, dict) else {}
    for inner, value in patch.items():
        if value is None:
            made.pop(inner, None)
        else:
            made[inner] = strategic(made.get(inner), value, inner)
    return made


def _by_key(target: Sequence[Any], patch: Sequence[Any], key: str) -> list[Any]:
    made = {one[key]: one for one in target}
    for one in patch:
        if one.get("$patch") == "delete":
            made.pop(one[key], None)
        else:
            made[one[key]] = strategic(made.get(one[key]), one)
    return [*made.values()]


def json_patched(target: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """RFC 6902: add, remove, replace, move, copy and test; all of them or none."""
    box = {"": target}
    for operation in operations:
        try:
            _operate(box, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Refused(
                422, "the server rejected our request due to an error in our request"
            ) from error
    return box[""]


def _operate(box: Any, operation: dict[str, Any]) -> None:
    path, name = operation["path"], operation["op"]
    if name == "test":
        if _read(box, path) != operation["value"]:
            raise ValueError(f"testing value {path} failed")
    elif name == "remove":
        _remove(box, path)
    elif name == "replace":
        _read(box, path)
        _write(box, path, operation["value"], insert=False)
    elif name == "add":
        _write(box, path, operation["value"], insert=True)
    elif name in ("move", "copy"):
        value = copy.deepcopy(_read(box, operation["from"]))
        if name == "move":
            _remove(box, operation["from"])
        _write(box, path, value, insert=True)
    else:
        raise ValueError(f"unexpected kind: {name}")


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(path)
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")]


def _read(box: Any, path: str) -> Any:
    found = box
    for step in _steps(path):
        found = found[int(step) if isinstance(found, list) else step]
    return found


def _holder(box: Any, path: str) -> tuple[Any, str]:
    *above, last = _steps(path)
    found = box
    for step in above:
        found = found[int(step) if isinstance(found, list) else step]
    return found, last


def _remove(box: Any, path: str) -> None:
    holder, last = _holder(box, path)
    del holder[int(last) if isinstance(holder, list) else last]


def _write(box: Any, path: str, value: Any, *, insert: bool) -> None:
    holder, last = _holder(box, path)
    if not isinstance(holder, list):
        holder[last] = value
    elif insert:
        holder.insert(len(holder) if last == "-" else int(last), value)
    else:
        holder[int(last)] = value

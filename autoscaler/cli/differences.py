"""In what two configs differ, by path; fleets and whatever has a name are told by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autoscaler.document import compose
from autoscaler.secret import redact_url
from autoscaler.text_file import read_text

ABSENT = "-"
HIDDEN = ("token", "password")
Difference = tuple[str, str, str]


def differences(before: Path, after: Path) -> list[Difference]:
    """Path, and what stood and stands there, in order of the path. Raises ConfigError."""
    old, new = (dict(_leaves(_plain(path), "")) for path in (before, after))
    paths = sorted(old.keys() | new.keys())
    found = ((path, old.get(path, ABSENT), new.get(path, ABSENT)) for path in paths)
    return [each for each in found if each[1] != each[2]]


def _plain(path: Path) -> Any:
    return compose(read_text(path), str(path)).root.plain()


def _leaves(told: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(told, dict) and told:
        for key, value in told.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(told, list) and told:
        for number, value in enumerate(told):
            name = value.get("name", number) if isinstance(value, dict) else number
            yield from _leaves(value, f"{path}[{name}]")
    else:
        yield path, _shown(path, told)


def _shown(path: str, value: Any) -> str:
    """A secret that stands in the config itself is not shown; a reference to one is."""
    if isinstance(value, str) and path.rpartition(".")[2] in HIDDEN:
        return "..."
    text = redact_url(value) if isinstance(value, str) and "://" in value else value
    return str(text)

"""In what two configs differ, by path; fleets and whatever has a name are told by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autoscaler.document import compose
from autoscaler.text_file import read_text

ABSENT = "-"
HIDDEN = "(not shown)"
REFERENCES = ("env", "file")  # {env: NAME} and {file: PATH} name a secret and are none
NO_SECRETS = ("interval_seconds", "fleets", "checks", "dry_run", "state_directory")
SHOWN_ANYWHERE = ("kind", "name")
Difference = tuple[str, str, str]


def differences(before: Path, after: Path) -> list[Difference]:
    """Path, and what stood and stands there, in order of the path. Raises ConfigError."""
    old, new = (dict(_leaves(_plain(path), ())) for path in (before, after))
    paths = sorted(old.keys() | new.keys())
    return [
        (_written(path), _shown(path, old), _shown(path, new))
        for path in paths
        if path not in old or path not in new or old[path] != new[path]
    ]


def _plain(path: Path) -> Any:
    return compose(read_text(path), str(path)).root.plain()


def _leaves(told: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(told, dict) and told:
        for key, value in told.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(told, list) and told:
        for number, value in enumerate(told):
            name = value.get("name", number) if isinstance(value, dict) else number
            yield from _leaves(value, (*path, f"[{name}]"))
    else:
        yield path, told


def _written(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[", "[")


def _shown(path: tuple[str, ...], told: dict[tuple[str, ...], Any]) -> str:
    if path not in told:
        return ABSENT
    value = told[path]
    return HIDDEN if isinstance(value, str) and _may_be_secret(path) else str(value)


def _may_be_secret(path: tuple[str, ...]) -> bool:
    """Whether a text there may be one: all that connects to something, and a target's settings.

    Told by where it stands, as plugins of others have options that nobody here knows.
    """
    *above, key = path
    if key in REFERENCES and above[-1:] != ["env"]:
        return False
    if key in SHOWN_ANYWHERE and "env" not in above and "headers" not in above:
        return False
    return path[0] not in NO_SECRETS or "target" in above

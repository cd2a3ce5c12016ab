"""Where something is wrong and what to write instead; many of them make one ConfigError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from operator import itemgetter

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from autoscaler.document import Document, Location
from autoscaler.errors import ConfigError

Fault = tuple[Location, str]

MAX_FAULTS = 100
_LONGEST_PATH = 200
_LONGEST_LINE = 600


def invalid(title: str, faults: Iterable[Fault]) -> ValidationError:
    """An error for pydantic to merge with those of the values around."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("fault", "{message}", {"message": message}),
            loc=location,
            input=None,
        )
        for location, message in islice(faults, MAX_FAULTS + 1)
    ]
    return ValidationError.from_exception_data(title, details)


def config_error(
    faults: Iterable[Fault], document: Document | None, spellings: Mapping[str, str]
) -> ConfigError:
    """Every fault on a line of its own, in the document's order and spelling if there is one."""
    found = islice(faults, MAX_FAULTS + 1)
    if document is None:
        lines = [f"{path_text(location)}: {message}" for location, message in found]
    else:
        placed = [(fault.line, fault.location, fault.message) for fault in document.faults]
        for location, message in found:
            written, line = document.written(location, spellings)
            placed.append((line, written, message))
        placed.sort(key=itemgetter(0))
        lines = [f"{document.name}:{line}: {path_text(at)}: {text}" for line, at, text in placed]
    unique = list(dict.fromkeys(map(_one_line, lines)))
    if len(unique) > MAX_FAULTS:
        unique[MAX_FAULTS:] = [f"and more than these {MAX_FAULTS}"]
    return ConfigError(*unique)


def path_text(location: Location) -> str:
    """`fleets[0].max_replicas`; `config` for the whole."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")[:_LONGEST_PATH] or "config"


def _one_line(text: str) -> str:
    """The text fit for a log or terminal: no line breaks, nothing unprintable, not endless."""
    printable = (char if char.isprintable() else ascii(char)[1:-1] for char in text)
    line = "".join(printable)
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"

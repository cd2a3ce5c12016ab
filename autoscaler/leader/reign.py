"""The last term begun from a state directory, kept so that terms grow whatever else is lost."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.clients.state_file import StateFormat


@dataclass(frozen=True, slots=True)
class Reign:
    """A term, and the process that began it."""

    term: int
    pid: int


REIGN = StateFormat(Reign, "set its term above every one that the files in units/ tell of")

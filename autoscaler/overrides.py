"""What operators put in the engine's place: kept over restarts, and never lost in silence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autoscaler.clients.state_file import StateFormat
from autoscaler.errors import StateError
from autoscaler.model import Override

OVERRIDES: StateFormat[tuple[Override, ...]] = StateFormat(
    tuple[Override, ...], "all fleets are paused; mend it, or delete it to end all overrides"
)
DAMAGED = "autoscaler"
NO_FILE = (0, 0, 0)


class Overrides:
    """At most one override for each fleet, in `overrides.json` of the state directory.

    A file that cannot be read may hold a pause: every fleet counts as paused until it is mended.
    """

    def __init__(self, state_directory: Path) -> None:
        self._path = state_directory / "overrides.json"
        self._by_fleet: Mapping[str, Override] = {}
        self._seen: tuple[int, int, int] | None = None
        self._fault = ""
        self._fault_since = 0.0
        self._told: set[Override] = set()

    def active(self, fleet: str, now: float) -> Override | None:
        """The override in force, or a pause that says what is wrong with the file."""
        self._read(now)
        if self._fault:
            return Override(fleet, self._fault, DAMAGED, self._fault_since)
        override = self._by_fleet.get(fleet)
        return None if override is None or _expired(override, now) else override

    def set(self, override: Override) -> None:
        """Put this in the place of the fleet's present one. Raises StateError."""
        self._write({**self._readable(override.created_at), override.fleet: override})

    def clear(self, fleet: str, now: float) -> Override | None:
        """End the fleet's override; returns it, or None if there was none. Raises StateError."""
        present = dict(self._readable(now))
        ended = present.pop(fleet, None)
        if ended is not None:
            self._write(present)
        return ended

    def expire(self, now: float) -> tuple[Override, ...]:
        """End what has expired; returns each once, so that somebody can be told."""
        self._read(now)
        over = tuple(o for o in self._by_fleet.values() if _expired(o, now))
        news = tuple(override for override in over if override not in self._told)
        if not news:
            return ()
        self._told.update(news)
        try:
            self._write({f: o for f, o in self._by_fleet.items() if o not in over})
        except StateError:
            return news  # it stays in the file, and is told of again after a restart
        self._told.clear()
        return news

    def _readable(self, now: float) -> Mapping[str, Override]:
        self._read(now)
        if self._fault:
            raise StateError(self._fault)
        return self._by_fleet

    def _read(self, now: float) -> None:
        """Read the file if it changed, or if it could not be read before."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        except FileNotFoundError:
            seen = NO_FILE
        except OSError:
            seen = None
        if seen is not None and seen == self._seen:
            return
        try:
            found = OVERRIDES.read(self._path) or ()
        except StateError as error:
            self._fault_since = self._fault_since if self._fault else now
            self._fault = str(error)
            self._seen = None
            return
        self._by_fleet = {override.fleet: override for override in found}
        self._fault = ""
        self._seen = seen

    def _write(self, by_fleet: Mapping[str, Override]) -> None:
        OVERRIDES.write(self._path, tuple(by_fleet.values()))
        self._by_fleet = by_fleet
        self._seen = None


def _expired(override: Override, now: float) -> bool:
    return override.expires_at is not None and override.expires_at <= now

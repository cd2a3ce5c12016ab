"""The units of one fleet on this machine, as files in the state directory."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.clients.state_file import StateFormat, delete
from autoscaler.clients.units.launches import Launches
from autoscaler.clients.units.processes import ProcessId
from autoscaler.clients.units.rules import NEVER
from autoscaler.errors import StateError
from autoscaler.model import Drain, Fence, Unit, UnitPhase

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
LOCK_TRIES = 200
LOCK_WAIT_SECONDS = 0.01
MAX_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One unit. PENDING: about to be started, which a crash may have prevented.

    launch: the fence it was started with. command: a digest of what was started.
    """

    fleet: str
    name: str
    phase: UnitPhase
    worker: str
    created_at: float
    fence: Fence
    launch: Fence
    command: str
    process: ProcessId | None = None
    drain: Drain | None = None
    failed_at: float | None = None
    exit_code: int | None = None

    @property
    def unit(self) -> Unit:
        """The unit as the engine knows it. A dead one does not drain."""
        drain = None if self.phase is UnitPhase.FAILED else self.drain
        return Unit(self.name, self.phase, self.created_at, self.worker, drain)


@dataclass(frozen=True, slots=True)
class FleetRecord:
    """What outlives the units: the newest fence applied, and how launches went of late."""

    fence: Fence = NEVER
    launches: Launches = field(default_factory=Launches)


UNIT = StateFormat(
    UnitRecord, "end the unit's process (its environment has AUTOSCALER_UNIT), then delete the file"
)
FLEET = StateFormat(FleetRecord, "delete it: no unit is lost by that")


class UnitDirectory:
    """`units/FLEET/` of the state directory: a record and a log for each unit.

    Whoever reads and then writes holds `locked()`, for there may be a second daemon. Every method
    raises StateError.
    """

    def __init__(self, state_directory: Path, fleet: str) -> None:
        place = state_directory.resolve()
        self.path = place / "units" / fleet
        self.fleet = fleet
        self._key = f"{hashlib.sha256(bytes(place)).hexdigest()[:12]}/{fleet}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes these files meanwhile."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateError(f"{self.path} cannot be used: {error.strerror}") from error
        try:
            self._wait_for(lock)
            yield
        finally:
            os.close(lock)

    def records(self) -> dict[str, UnitRecord]:
        """Every unit there is a record of, by name."""
        paths = sorted(self.path.glob("*.json"))
        found = (self.record(path.stem) for path in paths if NAME.fullmatch(path.stem))
        return {record.name: record for record in found if record is not None}

    def record(self, name: str) -> UnitRecord | None:
        """The unit's record, or None when there is no such unit."""
        path = self._path_of(name)
        record = UNIT.read(path)
        if record is not None and (record.fleet, record.name) != (self.fleet, name):
            raise StateError(f"{path} tells of {record.fleet}/{record.name}: put it where it was")
        return record

    def save(self, record: UnitRecord) -> None:
        """Write the unit's record."""
        UNIT.write(self._path_of(record.name), record)

    def forget(self, record: UnitRecord) -> None:
        """Delete the unit's record; its log stays."""
        delete(self._path_of(record.name))

    def of_fleet(self) -> FleetRecord:
        """What is known of the fleet."""
        return FLEET.read(self.path / ".fleet.json") or FleetRecord()

    def save_fleet(self, record: FleetRecord) -> None:
        """Write what is known of the fleet."""
        FLEET.write(self.path / ".fleet.json", record)

    def key(self, name: str, launch: Fence) -> str:
        """What the environment of this unit's processes has in AUTOSCALER_UNIT."""
        return f"{self._key}/{name}/{launch.term}.{launch.sequence}"

    def parse_key(self, key: str) -> tuple[str, Fence] | None:
        """The unit and the launch that a key names, if it is one of this fleet's."""
        match = re.fullmatch(rf"{re.escape(self._key)}/({NAME.pattern})/(\d+)\.(\d+)", key)
        return (match[1], Fence(int(match[2]), int(match[3]))) if match else None

    def log(self, name: str) -> Path:
        """Where the unit's output goes."""
        return self.path / f"{name}.log"

    def rotate_log(self, name: str) -> None:
        """Before a start: keep one earlier log beside the new one once it is large."""
        log = self.log(name)
        try:
            if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))
        except OSError as error:
            raise StateError(f"{log} cannot be rotated: {error.strerror}") from error

    def _path_of(self, name: str) -> Path:
        return self.path / f"{name}.json"

    def _wait_for(self, lock: int) -> None:
        for _ in range(LOCK_TRIES):
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                threading.Event().wait(LOCK_WAIT_SECONDS)
        raise StateError(f"{self.path} is locked by another process: end it if it hangs")

"""A lease in memory that can be broken, and daemons whose clock the test turns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from autoscaler.errors import LeaseError
from autoscaler.leader.lease import Found, Lease, LeaseOptions, LeaseStore
from autoscaler.leader.lease_leader import LeaseLeader

LEASE_SECONDS = 10.0
UNIX_TIME = 1_800_000_000.0
FIRST_TERM = 100_000_000


class Shelf:
    """What one server keeps, for the stores of several daemons."""

    def __init__(self) -> None:
        self.found = Found()
        self._puts = 0
        self.writes: list[Lease] = []
        self.down = False
        self.mute = False

    def put(self, lease: Lease | None) -> None:
        """Whatever was there before."""
        self._puts += 1
        self.found = Found(lease, str(self._puts) if lease else "")


class ShelfStore(LeaseStore):
    """One daemon's way to the shelf."""

    def __init__(self, shelf: Shelf, *, durable: bool = True) -> None:
        self.shelf = shelf
        self.durable = durable  # type: ignore[misc]  # a constant of real stores
        self.cut = False
        self.closed = 0

    async def read(self) -> Found:
        self._meet()
        return self.shelf.found

    async def replace(self, found: Found, lease: Lease) -> Found | None:
        self._meet()
        if found.version != self.shelf.found.version:
            return None
        self.shelf.put(lease)
        self.shelf.writes.append(lease)
        if self.shelf.mute:
            raise LeaseError("the answer was lost")
        return self.shelf.found

    async def aclose(self) -> None:
        self.closed += 1

    def _meet(self) -> None:
        if self.shelf.down or self.cut:
            raise LeaseError("connection refused")


class Time:
    """Monotonic and wall time, both turned by hand."""

    def __init__(self) -> None:
        self.elapsed = 1000.0
        self.wall = UNIX_TIME

    def pass_(self, seconds: float) -> None:
        self.elapsed += seconds
        self.wall += seconds


class Daemons:
    """Candidates for one lease, each with a state directory of its own."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.shelf = Shelf()
        self.time = Time()
        self._directory = directory
        self._durable = durable
        self._number = 0

    def start(self, *, lease_seconds: float = LEASE_SECONDS, state: str = "") -> LeaseLeader:
        self._number += 1
        store = ShelfStore(self.shelf, durable=self._durable)
        place = self._directory / (state or f"state-{self._number}")
        options = LeaseOptions(lease_seconds=lease_seconds)
        time = self.time
        return LeaseLeader(store, options, place, lambda: time.wall, lambda: time.elapsed)

    async def go_on(self, seconds: float, *leaders: LeaseLeader) -> list[LeaseLeader]:
        """Each tries four times a second; who led at any time, in order. Never two at once."""
        led: list[LeaseLeader] = []
        for _ in range(round(4 * seconds)):
            self.time.pass_(0.25)
            for leader in leaders:
                await leader.acquire()
            holding = [leader for leader in leaders if leader.holds()]
            assert len(holding) <= 1
            led += [leader for leader in holding if leader not in led[-1:]]
        return led

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        self.shelf.down = True
        yield
        self.shelf.down = False

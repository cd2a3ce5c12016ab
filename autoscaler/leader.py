"""Who may act: one daemon at a time, in terms that only grow."""

from __future__ import annotations

import fcntl
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from autoscaler.clients.state_file import StateFormat
from autoscaler.errors import StateError


class Leadership(ABC):
    """Asked before every effect. `term` is higher each time leadership is won.

    reason: why this daemon does not lead; empty while it does.
    """

    term: int = 0
    reason: str = ""

    @abstractmethod
    def holds(self) -> bool:
        """Whether this daemon leads now, by nothing that a blocked event loop could delay."""

    @abstractmethod
    async def acquire(self) -> bool:
        """Try once to lead; returns whether it does. Call it until it does, and after a loss."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let another lead. May be called twice."""


class SoleLeader(Leadership):
    """For a controller that another program embeds: there is no second one.

    Where targets outlive the program, give each run a higher term than the last.
    """

    def __init__(self, term: int = 1) -> None:
        self.term = term

    def holds(self) -> bool:
        return True

    async def acquire(self) -> bool:
        return True

    async def aclose(self) -> None:
        """There is no other."""


@dataclass(frozen=True, slots=True)
class Reign:
    """The last term begun on a state directory, and the process that began it."""

    term: int
    pid: int


REIGN = StateFormat(Reign, "set its term above every one that the files in units/ tell of")


class FileLeader(Leadership):
    """Leads while it holds a lock on the state directory; the kernel frees it when we die."""

    def __init__(self, state_directory: Path) -> None:
        self._lock_path = state_directory / "leader.lock"
        self._reign_path = state_directory / "leader.json"
        self._lock: int | None = None
        self.reason = "it has not tried to lead yet"

    def holds(self) -> bool:
        """Whether the lock is ours, and its file still the one that others would lock."""
        if self._lock is None:
            return False
        try:
            ours, theirs = os.fstat(self._lock), os.stat(self._lock_path)  # noqa: PTH116 - beside fstat
        except OSError:
            return False
        return os.path.samestat(ours, theirs)

    async def acquire(self) -> bool:
        if not self.holds():
            await self.aclose()
            self.reason = self._try()
        return not self.reason

    async def aclose(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            self.reason = "it has stepped down"

    def _try(self) -> str:
        """Take the lock and begin a term; returns why that is not possible, or nothing."""
        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            return f"{self._lock_path} cannot be opened: {error.strerror}"
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            last = REIGN.read(self._reign_path)
            term = last.term + 1 if last else 1
            REIGN.write(self._reign_path, Reign(term, os.getpid()))
        except BlockingIOError:
            os.close(lock)
            return f"{self._other()} leads: it holds {self._lock_path}"
        except (OSError, StateError) as error:
            os.close(lock)
            return str(error)
        self.term, self._lock = term, lock
        return ""

    def _other(self) -> str:
        try:
            reign = REIGN.read(self._reign_path)
        except StateError:
            reign = None
        return f"process {reign.pid}" if reign else "another process"

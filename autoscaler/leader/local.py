"""One leader on a machine: whoever holds a lock on the state directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from autoscaler.errors import StateError
from autoscaler.interfaces import Election, Leadership, Options
from autoscaler.leader.reign import REIGN, Reign


class FileLeader(Leadership):
    """Leads while it holds a lock on the state directory; the kernel frees it when we die."""

    def __init__(self, state_directory: Path) -> None:
        self._lock_path = state_directory / "leader.lock"
        self._reign_path = state_directory / "leader.json"
        self._lock: int | None = None
        self._rival = ""
        self.reason = "it has not tried to lead yet"

    @property
    def led_by(self) -> str:
        return self._rival

    def holds(self, for_seconds: float = 0.0) -> bool:
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
            self._rival = ""
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
            self._rival = self._other()
            return f"{self._rival} leads: it holds {self._lock_path}"
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


class LocalElection(Election[Options]):
    """A lock on the state directory: for daemons that share one, on one machine."""

    def stand(self, now: Callable[[], float], elapsed: Callable[[], float]) -> Leadership:
        return FileLeader(self.context.state_directory)

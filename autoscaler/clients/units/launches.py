"""How launches went of late, and how long to wait before the next after several that failed."""

from __future__ import annotations

from dataclasses import dataclass, replace

FAST_EXIT_SECONDS = 30.0
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Launches:
    """How often in a row units ended soon after their start; those of one cycle count once."""

    failures: int = 0
    failed_at: float = 0.0
    last: str = ""

    def failed(self, now: float, what: str) -> Launches:
        """After units that ended within 30 s of their start."""
        return Launches(self.failures + 1, now, what)

    def seen_running(self, created_at: float, now: float) -> Launches:
        """After a unit that still runs: one started since the last failure clears the record."""
        lasting = now - created_at >= FAST_EXIT_SECONDS
        return replace(self, failures=0) if lasting and created_at >= self.failed_at else self

    def wait_seconds(self, now: float) -> float:
        """How long no unit should be started: 5 s, doubled with each failure, 300 s at most."""
        if not self.failures:
            return 0.0
        doublings = min(self.failures - 1, 10)
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**doublings)
        return max(0.0, min(wait, self.failed_at + wait - now))

"""What one container of a fleet's units needs, as its measured use has it."""

from __future__ import annotations

from dataclasses import dataclass

MEMORY_MARGIN = 1.15  # of what was measured, as the vertical pod autoscaler leaves


@dataclass(frozen=True, slots=True)
class Sizing:
    """Advice for one container, with what it rests on.

    request_cores: for CPU; a limit would only slow it down. memory_bytes: request and limit in one.
    used_cores: what it was within for nine tenths of the time. peak_bytes: the most that one unit
    took, when `busy` of its slots ran a task. idle_bytes: the least that one took. task_bytes: what
    a task adds; None until one was seen to. full_bytes: what it takes with all slots busy, at
    least the peak. measured_seconds: how long it was looked at. sure: for long enough.
    """

    container: str
    request_cores: float
    memory_bytes: int
    used_cores: float
    peak_bytes: float
    busy: int
    idle_bytes: float
    task_bytes: float | None
    full_bytes: float
    slots: int | None
    measured_seconds: float
    sure: bool

    def concurrency_in(self, memory_bytes: float) -> int | None:
        """How many slots fit into this much memory, at least one; None while no task was seen."""
        if self.task_bytes is None:
            return None
        return max(1, int((memory_bytes / MEMORY_MARGIN - self.idle_bytes) / self.task_bytes))

"""What a rival sees of its fleet at a tick, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from autoscaler.simulator.crew import Rules


@dataclass(frozen=True, slots=True)
class View:
    """A fleet at `now` (seconds from the trace's begin).

    current: workers that are to stay, starting ones included. ready: those of them that take tasks.
    busy: slots that run a task, on leaving workers too; busy_ready: on those that are ready and
    stay. queued: tasks that wait for a slot.
    """

    now: float
    current: int
    ready: int
    busy: int
    busy_ready: int
    queued: int

    @property
    def demand(self) -> int:
        """Tasks that run or wait."""
        return self.busy + self.queued


class Leaving(StrEnum):
    """How workers leave: killed after a grace, or once they are empty."""

    KILLED = "killed"
    DRAINED = "drained"


class Peer(Protocol):
    """One rival's rule for one fleet; it may remember what it saw.

    grace_seconds: for those that are killed. resumes: whether it takes back leaving workers
    before it launches new ones.
    """

    rules: Rules
    leaving: Leaving
    grace_seconds: float
    resumes: bool

    def replicas(self, view: View) -> int:
        """How many workers there should be now."""

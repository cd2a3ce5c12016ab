"""Workers of the simulated world, and the tasks that they run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from autoscaler.simulator.trace import TraceTask

BEGIN = 1_704_067_200.0  # when traces begin (Unix seconds): a Monday, at midnight UTC
MEDIAN_START_SECONDS = 73.5
SIGMA_START = 0.3


@dataclass(frozen=True, slots=True)
class Rules:
    """What workers of a fleet are: their queues, slots and number, and how long a start takes.

    queues: those that they serve, the fleet's name where there are none. Starts are lognormal.
    """

    slots: int = 4
    min_workers: int = 1
    max_workers: int = 20
    queues: tuple[str, ...] = ()
    median_start_seconds: float = MEDIAN_START_SECONDS
    sigma_start: float = SIGMA_START

    def start_seconds(self, random: Random) -> float:
        """How long one worker takes from its launch until it takes tasks."""
        return self.median_start_seconds * math.exp(random.normalvariate(0, self.sigma_start))


@dataclass(slots=True, eq=False)
class TaskRun:
    """What became of one task so far. ready_at, started_at, ended_at: None until then.

    started_at: of its present run; first_at: of its first. kills: how often it died.
    """

    task: TraceTask
    fleet: str
    unmet: int = 0
    ready_at: float | None = None
    started_at: float | None = None
    first_at: float | None = None
    ended_at: float | None = None
    kills: int = 0
    worker: Worker | None = None

    @property
    def wait(self) -> float | None:
        """How long it waited for its first start; None when it has not started."""
        if self.first_at is None or self.ready_at is None:
            return None
        return self.first_at - self.ready_at


@dataclass(slots=True, eq=False)
class Worker:
    """One worker. ready_at: when it takes tasks, known to the world alone until then.

    ready: whether it takes tasks, unless it drains. leaves: whether it ends by itself once it
    drains and is empty. place: where it is in the list of those with a free slot. done: how many
    tasks it has finished. idle_at: when it was ready, or finished the last of them.
    """

    name: str
    fleet: str
    slots: int
    launched_at: float
    ready_at: float
    ready: bool = False
    draining: bool = False
    leaves: bool = False
    ended_at: float | None = None
    place: int | None = None
    done: int = 0
    idle_at: float = 0.0
    running: dict[str, TaskRun] = field(default_factory=dict)

    @property
    def busy(self) -> int:
        """How many of its slots run a task."""
        return len(self.running)

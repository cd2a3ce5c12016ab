"""How long something took: what the daemon learns from, one fact at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Measured(StrEnum):
    """What is timed: a task's run, as ticks show it, as Airflow has it when its run is over;
    a unit from its creation until its worker takes tasks; a slot from the end of its task, by
    Airflow's account, until Celery can use it again.
    """

    TASK = "task"
    FINISHED_TASK = "finished_task"
    START = "start"
    SLOT_RELEASE = "slot_release"


@dataclass(frozen=True, slots=True)
class Measurement:
    """name: of the task (`DAG.TASK` with Airflow), or of the fleet. at: when it ended (Unix)."""

    kind: Measured
    name: str
    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class StartUp:
    """How long a fleet's units took, until their workers took tasks: of the last `starts` of them.

    p50_seconds, p90_seconds: what half, and nine of ten, did not exceed.
    """

    p50_seconds: float
    p90_seconds: float
    starts: int

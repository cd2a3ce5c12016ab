"""The generators by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscaler.simulator.generators.bursts import bursts
from autoscaler.simulator.generators.cron_dags import cron_dags
from autoscaler.simulator.generators.long_tasks import long_tasks
from autoscaler.simulator.generators.smooth import smooth
from autoscaler.simulator.trace import Trace


@dataclass(frozen=True, slots=True)
class Generator:
    """One class of work. make: a trace from a seed and a number of days. slots: of a worker."""

    name: str
    what: str
    make: Callable[[int, float], Trace]
    slots: int = 4
    days: float = 4.0


GENERATORS: Mapping[str, Generator] = {
    generator.name: generator
    for generator in (
        Generator("cron", "DAGs by cron on two queues, and backfills", cron_dags),
        Generator("long", "long tasks with a heavy tail on three queues", long_tasks, slots=8),
        Generator("smooth", "short tasks whose rate follows the day", smooth),
        Generator("bursts", "batches that nobody can foresee", bursts, days=1.0),
    )
}

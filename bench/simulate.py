"""How long the simulator takes for a day: 20,000 tasks of Celery, and an Airflow's cron DAGs."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from autoscaler.simulator.generators.cron_dags import cron_dags
from autoscaler.simulator.generators.smooth import smooth
from autoscaler.simulator.production import default_config, replay, rules_of
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World
from bench.figures import Figure, tell

TASKS, DAY_SECONDS, BOUND_SECONDS = 20_000, 86_400.0, 10.0
SLOTS, MAX_WORKERS = 4, 100


def main() -> int:
    """Replay both through the controller, a tick every 15 s."""
    plain, dags = _of_a_day(smooth(1, 2.0)), cron_dags(1, 1.0)
    figures = (
        Figure(f"{len(plain.tasks):,} tasks, one queue", _seconds(plain), "s", BOUND_SECONDS),
        Figure(f"{len(dags.tasks):,} tasks of DAGs, two queues", _seconds(dags), "s"),
    )
    return tell("CPU time to simulate a day", figures)


def _of_a_day(trace: Trace) -> Trace:
    """The first tasks of a trace, as fast as makes them a day's."""
    tasks = trace.tasks[:TASKS]
    pace = DAY_SECONDS / tasks[-1].submit
    return Trace(trace.name, tuple(replace(task, submit=task.submit * pace) for task in tasks))


def _seconds(trace: Trace) -> float:
    config = default_config(trace, SLOTS, MAX_WORKERS)
    world = World(trace, rules_of(config, trace, SLOTS))
    began = time.process_time()
    replay(config, world)
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())

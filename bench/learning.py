"""What it costs to learn of 2,000 DAGs, to ask for what was learned, and to remember it."""

from __future__ import annotations

import sys
import time
import tracemalloc
from random import Random
from statistics import median

from autoscaler.engine.footprints import MOST_RUNS, Footprints
from autoscaler.model import FinishedRun, FinishedTask
from bench.figures import Figure, tell

DAGS, TASKS, RUNS_A_READ, READS = 2_000, 20, 100, 30
QUEUES = ("default", "eu")


def main() -> int:
    """Learn so many runs of each DAG that no more are kept, then measure."""
    random = Random(1)
    tracemalloc.start()
    known = Footprints()
    for number in range(MOST_RUNS):
        runs = [_run(random, dag, number) for dag in range(DAGS)]
        known, _ = known.after("airflow", runs, float(number))
    del runs
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    learning = []
    for number in range(READS):
        dags = random.sample(range(DAGS), RUNS_A_READ)
        runs = [_run(random, dag, MOST_RUNS + number) for dag in dags]
        began = time.process_time()
        known, _ = known.after("airflow", runs, float(number))
        learning.append(time.process_time() - began)
    return tell(
        f"{DAGS:,} DAGs of {TASKS} tasks, {MOST_RUNS} runs of each (CPU time, median of {READS})",
        [
            Figure(f"a tick that learns {RUNS_A_READ} runs", 1000 * median(learning), "ms", 25.0),
            Figure("asking every DAG once", 1000 * median(_asked(known)), "ms", 25.0),
            Figure(f"memory, {known.steps:,} steps", megabytes, "MB", 50.0),
        ],
    )


def _run(random: Random, dag: int, number: int) -> FinishedRun:
    """A run whose tasks spread over half an hour, each a minute or so."""
    began = 3600.0 * number
    tasks = tuple(
        FinishedTask(
            queue=QUEUES[task % len(QUEUES)],
            executor="CeleryExecutor",
            ready_at=began + random.uniform(0, 1800),
            run_seconds=random.lognormvariate(4, 1),
        )
        for task in range(TASKS)
    )
    return FinishedRun(f"dag{dag}", f"scheduled__{number}_{dag}", began, tasks)


def _asked(known: Footprints) -> list[float]:
    seconds = []
    for offset in range(READS):
        began = time.process_time()
        for footprint in known.by_dag.values():
            footprint.concurrency("default", "CeleryExecutor", 60.0 * offset)
        seconds.append(time.process_time() - began)
    return seconds


if __name__ == "__main__":
    sys.exit(main())

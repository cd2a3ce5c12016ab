"""What it costs to forecast for 50 fleets with 2,000 DAGs and 14 days behind them."""

from __future__ import annotations

import sys
import time
import tracemalloc
from array import array
from itertools import islice
from random import Random
from statistics import median

from autoscaler.engine.foresight import Foresight, foresee
from autoscaler.engine.outlook import Outlook
from autoscaler.engine.profiles import MOST_NAMES, Profiles
from autoscaler.engine.surprises import KEPT, Surprises
from autoscaler.model import (
    ActiveRun,
    AirflowState,
    AirflowTask,
    DagStructure,
    DagTask,
    Fleet,
    FleetSnapshot,
    Measured,
    NextRun,
    Objective,
    Sample,
    Samples,
    Snapshot,
)
from bench.figures import Figure, tell

FLEETS, DAGS, TASKS, AT_WORK, DUE, TICKS = 50, 2_000, 20, 100, 200, 30
CELERY, NOW, INTERVAL = "CeleryExecutor", 1_700_000_000.0, 5.0


def main() -> int:
    """Learn of everything there may be, then forecast tick by tick."""
    tracemalloc.start()
    profiles, outlook = _profiles(), Outlook()
    outlook.learn(Snapshot(NOW, {"airflow": _airflow(NOW, structures=True)}))
    known = {f"f{n}": _lived(n) for n in range(FLEETS)}
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    seconds = []
    for tick in range(TICKS):
        now = NOW + tick * INTERVAL
        snapshot = Snapshot(now, {"airflow": _airflow(now)})
        views = {name: _view(name, now) for name in known}
        began = time.process_time()
        found = foresee(views, known, snapshot, outlook, profiles)
        seconds.append(time.process_time() - began)
        known = {name: foresight for name, (foresight, _) in found.items()}
    return tell(
        f"{FLEETS} fleets, {DAGS:,} DAGs of {TASKS} tasks, {AT_WORK} runs at work, {DUE} due "
        f"(CPU time, median of {TICKS} ticks)",
        [
            Figure("a tick's forecasts", 1000 * median(seconds), "ms", 50.0),
            Figure("memory of what they rest on", megabytes, "MB", 50.0),
        ],
    )


def _profiles() -> Profiles:
    """As many names as are kept, 16 durations of each."""
    random = Random(1)
    names = (f"dag{dag}.task{task}" for dag in range(DAGS) for task in range(TASKS))
    return Profiles(
        {
            (Measured.FINISHED_TASK, name): tuple(random.lognormvariate(4, 1) for _ in range(16))
            for name in islice(names, MOST_NAMES)
        }
    )


def _airflow(now: float, *, structures: bool = False) -> AirflowState:
    """Each run at work has one task running and the rest before it; the others are due soon."""
    tasks = tuple(
        AirflowTask(f"t{n}", f"dag{n}", "task0", "r", -1, "running", f"f{n % FLEETS}", now, now - 9)
        for n in range(AT_WORK)
    )
    pending = {f"task{task}": 1 for task in range(1, TASKS)}
    runs = tuple(ActiveRun(f"dag{n}", "r", now, now, True, pending) for n in range(AT_WORK))
    due = tuple(NextRun(f"dag{n}", now + n % 120) for n in range(AT_WORK, AT_WORK + DUE))
    told = tuple(_structure(dag) for dag in range(DAGS)) if structures else ()
    return AirflowState(
        at=now, version="3.1.0", tasks=tasks, runs=runs, next_runs=due, structures=told
    )


def _structure(dag: int) -> DagStructure:
    queue = f"f{dag % FLEETS}"
    tasks = {
        f"task{n}": DagTask(f"task{n}", queue, CELERY, (f"task{(n - 1) // 4}",) if n else ())
        for n in range(TASKS)
    }
    return DagStructure(f"dag{dag}", tasks)


def _lived(seed: int) -> Foresight:
    """What 14 days taught."""
    random = Random(seed)
    misses = array("f", (random.uniform(-9, 9) for _ in range(KEPT)))
    return Foresight(surprises=Surprises(misses=misses, mean=30.0))


def _view(name: str, now: float) -> FleetSnapshot:
    fleet = Fleet(
        name, (name,), max_replicas=20, airflow="airflow", objective=Objective(), interval_seconds=5
    )
    values = {"waiting_tasks": 4.0, "running_tasks": 30.0, "demand_tasks": 34.0}
    return FleetSnapshot(
        now, fleet, (), Samples(Sample(what, value, now) for what, value in values.items())
    )


if __name__ == "__main__":
    sys.exit(main())

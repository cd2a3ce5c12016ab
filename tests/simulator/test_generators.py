"""Generated traces are the same for a seed, differ between seeds, and are of their class."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import mean, median

import pytest

from autoscaler.simulator.generators.known import GENERATORS
from autoscaler.simulator.trace import Trace, circular, load, write
from autoscaler.simulator.zero_wait import demand_per_tick, ideal_runs, peaks

DAY, HOUR = 86_400.0, 3600.0


def made(name: str, seed: int = 1, days: float = 2.0) -> Trace:
    return GENERATORS[name].make(seed, days)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_always_gives_the_same_trace(name: str, tmp_path: Path) -> None:
    trace = made(name, days=0.5)
    assert trace == made(name, days=0.5)
    assert trace != made(name, 2, days=0.5)
    write(trace, tmp_path / f"{trace.name}.csv.gz")
    again = load(tmp_path / f"{trace.name}.csv.gz")
    assert again.queues == trace.queues
    assert len(again.tasks) == len(trace.tasks)
    assert trace.span <= DAY / 2 + 120


def test_cron_dags_have_structures_and_come_at_their_minutes_but_for_backfills() -> None:
    trace = made("cron")
    assert trace.queues == ("default", "heavy")
    assert circular(trace.tasks) is None
    assert any(len(task.deps) > 1 for task in trace.tasks)
    by_hand = [task for task in trace.tasks if task.key.startswith("backfill.")]
    assert by_hand
    scheduled = [task for task in trace.tasks if not task.key.startswith("backfill.")]
    assert all(1 <= task.submit % 60 <= 6 for task in scheduled)
    dags: dict[str, set[float]] = {}
    for task in scheduled:
        dags.setdefault(task.key.split(".")[0], set()).add(task.submit // 60)
    hourly = [minutes for minutes in dags.values() if len(minutes) == 48]
    assert hourly
    assert all(len({minute % 60 for minute in minutes}) == 1 for minutes in hourly)


def test_long_tasks_have_a_heavy_tail_and_several_queues() -> None:
    durations = [task.duration for task in made("long").tasks]
    assert len(made("long").queues) == 3
    assert mean(durations) > 1.5 * median(durations)
    assert 10 * HOUR < max(durations) <= 24 * HOUR


def test_smooth_work_follows_the_day_and_rises_slowly() -> None:
    trace = made("smooth")
    demand = demand_per_tick(ideal_runs(trace), HOUR, 2 * DAY)[:48]
    first, second = demand[:24], demand[24:]
    assert max(first) > 2 * min(first)
    assert abs(first.index(max(first)) - second.index(max(second))) <= 6
    assert max(abs(a - b) for a, b in pairwise(demand)) < max(demand)


def test_bursts_come_from_nothing() -> None:
    trace = made("bursts")
    demand = demand_per_tick(ideal_runs(trace), 60.0, 2 * DAY)
    assert max(demand) > 10 * max(1.0, median(demand))
    assert peaks(trace, 4)["default"] > 10

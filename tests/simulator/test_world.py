"""The simulated world, against theory and by hand."""

from __future__ import annotations

from math import sqrt
from statistics import mean, stdev

import pytest

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.trace import Trace, TraceTask
from autoscaler.simulator.world import World
from tests.simulator.traces import plain, poisson

ONE_SLOT = {"default": Rules(slots=1, median_start_seconds=50, sigma_start=0)}


def test_waits_are_those_of_erlang_c() -> None:
    """M/M/10 at 0.9: Erlang C is 0.6687, so tasks of 10 s wait 6.687 s in the mean."""
    rules = {"default": Rules(slots=1, min_workers=10, max_workers=10)}
    means = [
        World(poisson(0.9, 10.0, 8_000, seed), rules, seed).result().mean_wait for seed in range(12)
    ]
    error = stdev(means) / sqrt(len(means))
    assert error < 0.8
    assert mean(means) == pytest.approx(6.687, abs=3 * error)


def test_a_static_fleet_costs_its_number_times_the_span() -> None:
    rules = {"default": Rules(slots=2, min_workers=7, max_workers=7)}
    measures = World(poisson(0.5, 10.0, 500, 1), rules, end=1000.0).result()
    assert measures.worker_seconds == 7 * 1000.0
    assert (measures.kills, measures.launches, measures.flaps) == (0, 0, 0)


def test_tasks_start_in_their_order_and_a_new_worker_takes_some_when_it_is_ready() -> None:
    world = World(plain([(0, 100), (1, 100), (2, 10)]), ONE_SLOT)
    world.advance(10)
    world.launch("default", "new")
    world.advance(59.9)
    assert [run.task.id for run in world.waiting("default")] == ["1", "2"]
    world.advance(60)
    assert [run.task.id for run in world.waiting("default")] == ["2"]
    measures = world.result()
    assert [run.started_at for run in world.runs] == [0, 60, 100]
    assert measures.waits == {0.5: 59, 0.95: 98, 0.99: 98}
    assert measures.within == {30: 1 / 3, 120: 1, 300: 1}
    assert (measures.launches, measures.worker_seconds) == (1, 302 + 292)


def test_a_task_is_ready_two_seconds_after_its_last_dependency() -> None:
    tasks = (
        TraceTask("a", 0, 10, "q"),
        TraceTask("b", 0, 30, "q"),
        TraceTask("c", 0, 1, "q", ("a", "b")),
        TraceTask("d", 50, 1, "q", ("a",)),
        TraceTask("e", 31, 1, "q", ("b", "b")),
    )
    world = World(Trace("deps", tasks), {"q": Rules(slots=4)})
    assert world.result().within[30] == 1
    assert [run.ready_at for run in world.runs] == [0, 0, 32, 50, 32]


def test_a_draining_worker_takes_nothing_and_leaves_when_it_is_empty() -> None:
    world = World(plain([(0, 100), (1, 10)]), ONE_SLOT)
    world.launch("default", "new")
    world.advance(20)
    world.drain("default", "default-0")
    world.advance(99)
    assert list(world.workers("default")) == ["default-0", "new"]
    world.advance(100)
    assert list(world.workers("default")) == ["new"]
    measures = world.result()
    assert world.runs[1].started_at == 50
    assert (measures.worker_seconds, measures.kills, measures.flaps) == (100 + 301, 0, 1)


def test_a_draining_worker_that_is_resumed_takes_tasks_again() -> None:
    world = World(plain([(0, 10), (20, 10), (700, 1)]), ONE_SLOT)
    world.advance(5)
    world.drain("default", "default-0")
    world.resume("default", "default-0")
    world.resume("default", "default-0")
    assert world.result().flaps == 1
    assert [run.started_at for run in world.runs] == [0, 20, 700]


def test_one_that_may_not_leave_by_itself_stays_until_it_is_removed() -> None:
    world = World(plain([(0, 10)]), ONE_SLOT)
    world.drain("default", "default-0", leaves=False)
    world.advance(50)
    assert world.workers("default")["default-0"].busy == 0
    world.remove("default", "default-0")
    assert world.workers("default") == {}
    assert world.result().worker_seconds == 50


def test_after_the_grace_tasks_are_killed_and_begin_again() -> None:
    world = World(plain([(0, 100), (1, 10)]), ONE_SLOT)
    world.advance(5)
    world.stop("default", "default-0", grace=20)
    world.launch("default", "new")
    measures = world.result()
    assert [run.started_at for run in world.runs] == [65, 55]
    assert world.runs[0].ended_at == 165
    assert (measures.kills, measures.within[120]) == (1, 0.5)


def test_who_is_resumed_within_the_grace_is_not_killed() -> None:
    world = World(plain([(0, 100)]), ONE_SLOT)
    world.stop("default", "default-0", grace=20)
    world.advance(10)
    world.resume("default", "default-0")
    assert world.result().kills == 0


def test_a_worker_that_leaves_while_it_starts_is_gone_at_once() -> None:
    world = World(plain([(0, 1)]), ONE_SLOT)
    world.launch("default", "new")
    world.advance(10)
    world.stop("default", "new", grace=20)
    assert list(world.workers("default")) == ["default-0"]
    assert world.result().worker_seconds == 300 + 10


def test_a_worker_that_is_removed_kills_what_it_runs() -> None:
    world = World(plain([(0, 100)]), ONE_SLOT)
    world.advance(1)
    world.remove("default", "default-0")
    assert (world.result().kills, world.result().started) == (1, 1)


def test_a_task_that_never_starts_is_a_miss() -> None:
    measures = World(plain([(0, 1000), (1, 1)]), ONE_SLOT).result()
    assert (measures.started, measures.within[300]) == (1, 0.5)


def test_a_change_of_direction_after_ten_minutes_is_no_flap() -> None:
    world = World(plain([(0, 1), (2000, 1)]), ONE_SLOT)
    world.launch("default", "new")
    world.advance(601)
    world.drain("default", "new")
    measures = world.result()
    assert measures.flaps == 0
    assert measures.launches_a_day == pytest.approx(86_400 / 2300)
    assert measures.flaps_a_day == 0


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    def cost(seed: int) -> float:
        world = World(poisson(1.0, 10.0, 300, 1), {"default": Rules(slots=2)}, seed)
        world.launch("default", "new")
        world.advance(200)
        world.drain("default", "default-0")
        return world.result().worker_seconds + world.result().mean_wait

    assert cost(1) == cost(1)
    assert cost(1) != cost(2)


def test_one_fleet_may_serve_several_queues_and_each_queue_needs_one() -> None:
    tasks = (TraceTask("a", 0, 10, "x"), TraceTask("b", 0, 10, "y"))
    trace = Trace("two", tasks)
    assert World(trace, {"both": Rules(queues=("x", "y"))}).result().started == 2
    with pytest.raises(ValueError, match="no fleet serves queue y"):
        World(trace, {"x": Rules()})
    world = World(trace, {"both": Rules(queues=("x", "y"))})
    with pytest.raises(ValueError, match="fleet both has a worker both-0 already"):
        world.launch("both", "both-0")

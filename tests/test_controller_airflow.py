"""Whole cycles with Airflow's word on demand, limits and what still runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.controller import Controller
from autoscaler.engine.explain import explain
from autoscaler.engine.verdict import verdict
from autoscaler.errors import SourceError
from autoscaler.model import (
    ActionKind,
    ActiveTask,
    AirflowJob,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    Block,
    Blocker,
    Bottleneck,
    FinishedRun,
    FinishedTask,
    JobKind,
)
from tests.cycles import Ticks, config, kinds
from tests.fakes import WORLDS, World
from tests.records import NOW

PLUGIN = {"world": "w"}
SOURCES = {
    "broker": {"kind": "tests.fakes:FakeBroker", **PLUGIN},
    "workers": {"kind": "tests.fakes:FakeWorkers", **PLUGIN},
    "airflow": {"kind": "tests.fakes:FakeAirflow", **PLUGIN},
}
POOL = Block(Blocker.POOL, "small", 1, 1)


@pytest.fixture
def world():
    WORLDS["w"] = World()
    yield WORLDS["w"]
    del WORLDS["w"]


@pytest.fixture
def ticks(world, tmp_path):
    made = Ticks(config(tmp_path, sources=SOURCES))
    say(world)
    return made


def say(world, *tasks, connections=None, **counts):
    """From now on Airflow tells of these tasks, and of these counts of the queue.

    connections: of the database for each worker, of 100.
    """

    def state(now):
        queue = AirflowQueue("default", "CeleryExecutor", **counts)
        beats = (AirflowJob(JobKind.SCHEDULER, "host", now),)
        state = AirflowState(now, "3.3.2", {("default", queue.executor): queue}, tasks, jobs=beats)
        if connections is None:
            return state
        used = 50 + connections * len(world.workers)
        return replace(state, connections=used, max_connections=100)

    world.airflow = state


def runs(task_id):
    return AirflowTask(task_id, "etl", "load", "run", -1, "running", "default")


async def test_what_airflow_has_queued_brings_workers_and_stale_messages_do_not(world, ticks):
    world.depth = 16
    await ticks.run(3)
    assert len(world.units) == 1, "the least, whatever lies in the broker"
    say(world, queued=10)
    assert kinds(await ticks.run()) == [ActionKind.ADD] * 2


async def test_a_full_pool_brings_none_and_is_named(world, ticks):
    await ticks.run(2)
    say(world, scheduled=50, blocked={POOL: 50})
    world.depth = 50
    turn = await ticks.run(5)
    assert (turn.decision.desired, len(world.units)) == (1, 1)
    assert turn.snapshot.blockage.bottleneck is Bottleneck.POOL
    assert "pool small is 1/1, 50 waiting" in turn.snapshot.blockage.message


async def test_no_more_workers_come_than_the_database_has_connections_for(world, tmp_path):
    ticks = Ticks(config(tmp_path, sources=SOURCES, fleet={"max_replicas": 10}))
    say(world, connections=8)
    await ticks.run(5)
    say(world, queued=8, connections=8)
    await ticks.run(5)
    assert len(world.units) == 2
    say(world, queued=50, connections=8)
    await ticks.run(1)
    assert len(world.units) == 4, "66 + 2 x 10 of 90, as 10 are assumed"
    await ticks.run(2)
    assert len(world.units) == 4, "what the new ones take does not show yet"
    turn = await ticks.run(7)
    assert len(world.units) == 5, "50 + 5 x 8 of 90"
    told = verdict(turn)
    assert (told.bottleneck, turn.decision.reason) == (Bottleneck.DATABASE, "BudgetExceeded")
    assert told.message == (
        "90 of 100 database connections are in use, 90 may be;"
        " about 8 a replica, by what they cost so far"
    )
    assert any(told.message in why for why in explain(turn).why_not_more)
    say(world, connections=8)
    await ticks.run(20)
    assert len(world.units) == 1, "and nothing keeps them from leaving"


async def test_nothing_is_scaled_while_airflow_is_unread(world, ticks):
    say(world, queued=10)
    await ticks.run(2)
    assert len(world.units) == 3
    world.faults["airflow"] = SourceError("connection refused")
    world.vanish("default-3")
    turn = await ticks.run(20)
    assert (turn.snapshot.blockage.bottleneck, len(world.units)) == (Bottleneck.DATABASE, 2)
    del world.faults["airflow"]
    assert kinds(await ticks.run()) == [ActionKind.ADD]


async def test_a_drained_worker_stays_for_as_long_as_airflow_calls_its_task_running(world, ticks):
    say(world, runs("t1"), running=1)
    await ticks.run(2)
    only = world.workers["default-1@host"]
    world.workers["default-1@host"] = replace(only, active=(ActiveTask("t1", "execute_workload"),))
    await ticks.run()
    await ticks.controller.drain("default", "default-1", "to be replaced")
    drained = world.workers["default-1@host"]
    world.workers["default-1@host"] = replace(drained, active=())
    turn = await ticks.run(10)
    assert {r.name: r.lingering for r in turn.snapshot.replicas} == {"default-1": 1, "default-2": 0}
    say(world)
    await ticks.run(2)
    assert list(world.units) == ["default-2"]


async def test_runs_that_are_over_make_footprints_that_outlive_a_reload(world, ticks):
    say(world)
    [quiet] = [await ticks.controller.tick(ticks.now)]
    assert (quiet.learned, quiet.known_dags) == ((), {})
    tasks = (FinishedTask("default", "CeleryExecutor", NOW, 60.0),)
    runs = (FinishedRun("etl", "r", NOW, tasks),)
    told = world.airflow
    world.airflow = lambda now: replace(told(now), finished_runs=runs)
    tick = await ticks.controller.tick(ticks.now + 5)
    assert ([each.dag_id for each in tick.learned], tick.known_dags) == (["etl"], {"airflow": 1})
    again = await ticks.controller.tick(ticks.now + 10)
    assert (again.learned, again.known_dags) == ((), {"airflow": 1})
    fresh = Controller(ticks.controller.config, previous=ticks.controller)
    assert fresh.footprints.of("airflow", "etl").concurrency("default", "CeleryExecutor", 30) == 1


async def test_the_first_worker_comes_before_airflow_gives_its_tasks_up(world, tmp_path):
    patient = {"scale_up": {"stabilization_window_seconds": 3600}}
    fleet = {"min_replicas": 0, "behavior": patient}
    ticks = Ticks(config(tmp_path, sources=SOURCES, fleet=fleet))
    say(world)
    await ticks.run(3)
    assert not world.units
    began = ticks.now
    say(world, queued=3, oldest_queued_at=began)
    while not kinds(turn := await ticks.run()):
        assert ticks.now - began < 300
    assert (turn.decision.reason, turn.decision.desired) == ("QueuedTooLong", 1)
    assert ticks.now - began > 180, "half the timeout without what a first start may take"

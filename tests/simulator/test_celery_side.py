"""The simulated world as a Celery deployment: what its broker and workers tell, and obey."""

from __future__ import annotations

import pytest

from autoscaler.errors import ConfigError, ControlError
from autoscaler.interfaces import Context
from autoscaler.model import ActiveTask, Fleet, QueueState
from autoscaler.simulator.celery_side import WorldBroker, WorldOptions, WorldWorkers
from autoscaler.simulator.crew import BEGIN, Rules
from autoscaler.simulator.target import WorldTarget
from autoscaler.simulator.trace import Trace, TraceTask
from autoscaler.simulator.world import World
from tests.simulator.traces import plain

WORKER = "both-0@simulated"


def two_queues() -> World:
    rows = [("x", 0.0), ("y", 1.0), ("x", 2.0), ("x", 3.0)]
    tasks = [TraceTask(str(n), at, 60, queue, (), "t") for n, (queue, at) in enumerate(rows)]
    return World(Trace("two", tuple(tasks)), {"both": Rules(slots=1, queues=("x", "y"))})


async def test_each_queue_has_its_length_and_the_age_of_its_first_task() -> None:
    world = two_queues()
    world.advance(10)
    state = await WorldBroker(WorldOptions(world=world), Context("broker")).read(BEGIN + 10)
    assert state.queues == {
        "x": QueueState("x", 2, oldest_age_seconds=8),
        "y": QueueState("y", 1, oldest_age_seconds=9),
    }


async def test_a_worker_tells_what_it_runs_and_obeys() -> None:
    world = two_queues()
    world.advance(10)
    source = WorldWorkers(WorldOptions(world=world), Context("workers"))
    state = (await source.read(BEGIN + 10)).workers[WORKER]
    assert state.queues == {"x", "y"}
    assert state.active == (ActiveTask("0", "t", BEGIN),)
    assert (state.slots, state.reserved, state.processed, state.idle_since) == (1, 0, 0, None)
    await source.cancel_consumers(WORKER, ("x", "y"))
    world.advance(70)
    after = await source.inspect(WORKER, BEGIN + 70)
    assert after.drained
    assert (after.processed, after.idle_since) == (1, BEGIN + 60)
    await source.add_consumers(WORKER, ("x", "y"))
    assert (await source.inspect(WORKER, BEGIN + 70)).active == (ActiveTask("1", "t", BEGIN + 70),)


async def test_a_worker_that_starts_is_not_told_of_and_does_not_answer() -> None:
    world = World(plain([(0, 10), (400, 1)]), {"default": Rules(), "other": Rules()})
    world.launch("default", "new")
    source = WorldWorkers(WorldOptions(world=world), Context("workers"))
    told = await source.read(BEGIN)
    assert told.workers.keys() == {"default-0@simulated", "other-0@simulated"}
    with pytest.raises(ControlError, match="new@simulated does not answer"):
        await source.inspect("new@simulated", BEGIN)
    assert (await source.inspect("other-0@simulated", BEGIN)).slots == 4


async def test_a_unit_is_the_same_record_until_it_changes_and_only_a_fleet_has_units() -> None:
    world = World(plain([(0, 10)]), {"default": Rules()})
    options = WorldOptions(world=world)
    with pytest.raises(ConfigError, match="needs a fleet"):
        WorldTarget(options, Context("target"))
    target = WorldTarget(options, Context("target", Fleet("default")))
    [unit] = await target.units(BEGIN)
    [again] = await target.units(BEGIN + 15)
    assert again is unit
    assert (unit.name, unit.worker) == ("default-0", "default-0@simulated")

"""What operators and platforms ask of the controller: pause, hold a number, drain one unit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.controller import Controller
from autoscaler.errors import TargetError
from autoscaler.model import ActionKind, Override, Result
from tests.cycles import Ticks, config, kinds
from tests.fakes import WORLDS, World
from tests.records import NOW


@pytest.fixture
def world():
    WORLDS["w"] = World()
    yield WORLDS["w"]
    del WORLDS["w"]


async def test_dry_run_and_pause_decide_and_do_nothing(world, tmp_path):
    world.depth = 16
    dry = await Ticks(config(tmp_path, dry_run=True)).run(2)
    assert (dry.result, dry.decision.desired) == (Result.DRY_RUN, 4)
    ticks = Ticks(config(tmp_path))
    ticks.controller.overrides.set(Override("default", "deploy", "ann", NOW))
    paused = await ticks.run(2)
    assert (paused.result, paused.override.reason) == (Result.PAUSED, "deploy")
    assert world.units == {}


async def test_a_pause_that_comes_in_the_middle_of_a_turn_stops_what_is_left_of_it(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run(4)
    world.depth = 0
    while not any(unit.drain for unit in world.units.values()):
        await ticks.run()
    pause = Override("default", "deploy", "ann", NOW)
    world.at["inspect"] = lambda: ticks.controller.overrides.set(pause)
    turn = await ticks.run()
    assert (turn.result, kinds(turn)[-1]) == (Result.PAUSED, ActionKind.REMOVE)
    assert "remove" not in {what for what, _ in world.said}


async def test_a_paused_fleet_drains_no_unit_for_an_operator(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 8
    await ticks.run(3)
    ticks.controller.overrides.set(Override("default", "deploy", "ann", NOW))
    outcome = await ticks.controller.drain("default", "default-1", "bad disk")
    assert (outcome.result, world.units["default-1"].drain) == (Result.PAUSED, None)


async def test_an_operators_number_is_carried_out(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    ticks.controller.overrides.set(Override("default", "sale", "ann", NOW, replicas=3))
    await ticks.run(2)
    assert len(world.units) == 3


async def test_what_the_platform_says_holds_until_an_operator_speaks(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.order = Override("default", "paused by its workload", "annotation", NOW)
    world.depth = 8
    paused = await ticks.run(2)
    assert (paused.result, paused.override.actor) == (Result.PAUSED, "annotation")
    ticks.controller.overrides.set(Override("default", "sale", "ann", NOW, replicas=3))
    await ticks.run(2)
    assert len(world.units) == 3


async def test_a_number_that_another_writes_is_left_alone_whoever_asks(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.order = Override("default", "keda scales it", "keda", NOW, contested=True)
    ticks.controller.overrides.set(Override("default", "sale", "ann", NOW, replicas=3))
    held = await ticks.run(2)
    assert (held.result, held.override.actor, world.units) == (Result.PAUSED, "keda", {})
    world.order = None
    await ticks.run()
    assert len(world.units) == 3


async def test_an_operator_drains_one_unit_and_another_takes_its_place(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 8
    await ticks.run(3)
    outcome = await ticks.controller.drain("default", "default-1", "bad disk")
    assert (outcome.result, world.units["default-1"].drain.pinned) == (Result.APPLIED, True)
    await ticks.run(3)
    assert sorted(world.units) == ["default-2", "default-3"]
    with pytest.raises(TargetError, match="no unit 'default-1'"):
        await ticks.controller.drain("default", "default-1", "again")
    with pytest.raises(TargetError, match="no fleet"):
        await ticks.controller.drain("gone", "default-1", "again")
    dry = Controller(config(tmp_path, dry_run=True), previous=ticks.controller)
    with pytest.raises(TargetError, match="dry run"):
        await dry.drain("default", "default-2", "why not")


async def test_an_operator_is_told_which_unit_has_to_leave_before(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 8
    await ticks.run(3)
    for ordinal, unit in enumerate(sorted(world.units)):
        world.units[unit] = replace(world.units[unit], ordinal=ordinal)
    await ticks.run()
    with pytest.raises(TargetError, match="only after default-2, which has a higher ordinal"):
        await ticks.controller.drain("default", "default-1", "bad disk")
    top = await ticks.controller.drain("default", "default-2", "bad disk")
    await ticks.run()
    both = await ticks.controller.drain("default", "default-1", "bad disk")
    assert (top.result, both.result) == (Result.APPLIED, Result.APPLIED)

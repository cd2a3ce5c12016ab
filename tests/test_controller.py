"""Whole cycles over a fake world: what is read, decided, done, remembered and told."""

from __future__ import annotations

import pytest

from autoscaler.controller import Controller
from autoscaler.leader.sole import SoleLeader
from autoscaler.model import ActionKind, Override, Result
from tests.cycles import Ticks, config, kinds
from tests.fakes import TARGET_DOWN, WORLDS, World
from tests.records import NOW


@pytest.fixture
def world():
    WORLDS["w"] = World()
    yield WORLDS["w"]
    del WORLDS["w"]


async def test_a_backlog_brings_workers_and_its_end_takes_them(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    first = await ticks.run()
    assert (first.decision.reason, kinds(first)) == ("FirstCycle", [])
    grown = await ticks.run()
    assert kinds(grown) == [ActionKind.ADD] * 4
    assert sorted(world.units) == ["default-1", "default-2", "default-3", "default-4"]
    world.depth = 0
    await ticks.run(12)
    assert len(world.units) == 1
    assert ("alert", "x") not in world.said
    removed = [unit for what, unit in world.said if what == "remove"]
    told = [unit.partition("@")[0] for what, unit in world.said if what == "cancel"]
    assert sorted(removed) == sorted(told)


async def test_the_target_is_told_who_is_busy(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 8
    await ticks.run(3)
    assert world.busy == {"default-1": False, "default-2": False}


async def test_a_follower_decides_and_does_nothing(world, tmp_path):
    class Follower(SoleLeader):
        def holds(self, for_seconds=0.0):
            return False

    world.depth = 16
    ticks = Ticks(config(tmp_path), leadership=Follower())
    turn = await ticks.run(2)
    assert (turn.result, turn.decision.desired) == (Result.NOT_LEADER, 4)
    assert not ticks.controller.last.leader
    assert world.units == {}


async def test_a_reload_keeps_what_fleets_remember(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run(3)
    old = ticks.controller
    made = config(tmp_path, fleet={"max_replicas": 2})
    ticks.controller = Controller(made, previous=old)
    turn = await ticks.run()
    assert turn.decision.reason != "FirstCycle"
    assert ticks.controller.last.number == 4
    assert max(outcome.action.fence.sequence for outcome in turn.outcomes) > 4
    assert old.memory_of("gone").sequence == 0


async def test_a_fleet_that_comes_back_with_a_reload_goes_on_counting_its_effects(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run(3)
    before = ticks.controller.memory_of("default").sequence
    without = Controller(config(tmp_path, fleet={"name": "other"}), previous=ticks.controller)
    again = Controller(config(tmp_path), previous=without)
    assert again.memory_of("default").sequence == before > 0
    assert again.memory_of("default").seen is None


class Terms(SoleLeader):
    """Leads; the test says in which term."""


async def test_the_first_cycle_of_a_new_term_only_observes(world, tmp_path):
    leadership = Terms()
    ticks = Ticks(config(tmp_path), leadership=leadership)
    world.depth = 16
    await ticks.run(3)
    world.depth = 0
    while not any(unit.drain for unit in world.units.values()):
        await ticks.run()
    leadership.term = 2
    assert kinds(await ticks.run()) == []
    assert ActionKind.REMOVE in kinds(await ticks.run())


async def test_units_that_came_without_an_answer_count_against_the_limit(world, tmp_path):
    one_a_minute = {"limits": [{"type": "pods", "value": 1, "period_seconds": 60}]}
    ticks = Ticks(config(tmp_path, fleet={"behavior": {"scale_up": one_a_minute}}))
    world.depth = 16
    await ticks.run()
    world.faults["launch"] = TARGET_DOWN
    assert kinds(await ticks.run()) == [ActionKind.ADD]
    del world.faults["launch"]
    world.launch("default-1", ticks.now)
    turn = await ticks.run(11)
    assert (turn.decision.reason, sorted(world.units)) == ("ScaleUpLimit", ["default-1"])
    await ticks.run(2)
    assert sorted(world.units) == ["default-1", "default-2"]


async def test_a_worker_that_was_told_to_stop_too_late_is_put_right_and_limits_nothing(
    world, tmp_path
):
    one_a_minute = {"limits": [{"type": "pods", "value": 1, "period_seconds": 60}]}
    ticks = Ticks(config(tmp_path, fleet={"behavior": {"scale_up": one_a_minute}}))
    world.launch("default-1", NOW, queues=())
    world.depth = 4
    assert kinds(await ticks.run(2)) == [ActionKind.RESUME]
    assert world.workers["default-1@host"].queues == {"default"}
    world.depth = 16
    assert kinds(await ticks.run()) == [ActionKind.ADD]


async def test_everything_is_closed_even_if_one_end_fails(world, tmp_path):
    controller = Controller(config(tmp_path))
    world.faults["close"] = TARGET_DOWN
    with pytest.raises(type(TARGET_DOWN)):
        await controller.aclose()
    assert world.closed == ["target", "broker"]


class Candidate(SoleLeader):
    """Leads when, and for as long as, the test says."""

    def __init__(self, left_seconds: float = 60.0) -> None:
        super().__init__()
        self.left_seconds = left_seconds

    def holds(self, for_seconds: float = 0.0) -> bool:
        return for_seconds < self.left_seconds


async def test_an_effect_is_not_begun_that_could_outlast_the_lease(world, tmp_path):
    world.depth = 16
    leadership = Candidate(left_seconds=4.9)
    ticks = Ticks(config(tmp_path), leadership=leadership)
    turn = await ticks.run(3)
    assert ticks.controller.last.leader
    assert turn.result is Result.NOT_LEADER
    leadership.left_seconds = 5.1
    assert (await ticks.run()).result is Result.APPLIED


async def test_what_was_planned_in_another_term_is_not_done(world, tmp_path):
    leadership = Candidate()
    ticks = Ticks(config(tmp_path), leadership=leadership)
    world.depth = 16
    await ticks.run(4)
    world.depth = 0
    while not any(unit.drain for unit in world.units.values()):
        await ticks.run()
    world.at["inspect"] = lambda: setattr(leadership, "term", 2)
    turn = await ticks.run()
    removals = [o.result for o in turn.outcomes if o.action.kind is ActionKind.REMOVE]
    assert removals
    assert set(removals) == {Result.NOT_LEADER}


async def test_what_another_leader_did_counts_against_the_limit(world, tmp_path):
    two_a_minute = {"limits": [{"type": "pods", "value": 2, "period_seconds": 60}]}
    leadership = Candidate(left_seconds=0.0)
    fleet = {"behavior": {"scale_up": two_a_minute}}
    ticks = Ticks(config(tmp_path, fleet=fleet), leadership=leadership)
    world.depth = 16
    await ticks.run(2)
    for name in ("default-1", "default-2"):
        world.launch(name, ticks.now)
    await ticks.run()
    leadership.left_seconds = 60.0
    leadership.term = 2
    assert kinds(await ticks.run(2)) == []
    assert ticks.controller.last.fleets["default"].decision.desired == 2
    for _ in range(14):
        turn = await ticks.run()
        if kinds(turn):
            break
    assert kinds(turn) == [ActionKind.ADD, ActionKind.ADD]


async def test_what_may_be_done_without_a_plan_asks_for_leadership_pause_and_dry_run(
    world, tmp_path
):
    leadership = Candidate()
    controller = Controller(config(tmp_path), leadership=leadership)
    acts = controller.targets["default"].context.acts
    assert acts()
    controller.overrides.set(Override("default", "test", "tests", 0.0))
    assert not acts()
    controller.overrides.clear("default", 0.0)
    leadership.left_seconds = 1.0
    assert not acts()
    dry = Controller(config(tmp_path, dry_run=True))
    assert not dry.targets["default"].context.acts()

"""What a controller makes of sources, targets, plugins and observers that fail."""

from __future__ import annotations

import pytest

from autoscaler.errors import ControlError
from autoscaler.model import ActionKind, Result, WorkersState
from tests.cycles import Ticks, config, kinds
from tests.fakes import SOURCE_DOWN, TARGET_DOWN, WORLDS, World
from tests.records import worker

WITH_A_BUG = [{"kind": "target_tracking"}, {"kind": "tests.fakes:FakePolicy", "world": "w"}]


@pytest.fixture
def world():
    WORLDS["w"] = World()
    yield WORLDS["w"]
    del WORLDS["w"]


async def test_a_broken_source_lowers_nothing_and_is_in_the_record(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run(4)
    world.depth = 0
    world.faults["broker"] = SOURCE_DOWN
    turn = await ticks.run(20)
    assert turn.decision.desired == 4
    assert "queue/default" in turn.snapshot.missing
    assert ticks.controller.last.snapshot.missing == {"broker": "connection refused"}
    assert "source_down" in {finding.check for finding in ticks.controller.last.findings}


async def test_a_target_that_cannot_be_read_is_not_taken_for_an_empty_one(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run(3)
    world.faults["units"] = TARGET_DOWN
    turn = await ticks.run(3)
    assert (turn.decision.reason, turn.result) == ("TargetUnreadable", Result.FAILED)
    assert turn.decision.desired == 4
    assert len(world.units) == 4
    fresh = await Ticks(config(tmp_path)).run()
    assert (fresh.decision.current, fresh.decision.desired) == (0, 0)


async def test_a_source_that_hangs_costs_its_own_timeout_only(world, tmp_path):
    ticks = Ticks(config(tmp_path), patience_seconds=0.05)
    world.hanging.add("broker")
    await ticks.run()
    assert ticks.controller.last.snapshot.missing["broker"] == "no answer within 0.05 s"


async def test_a_bug_in_a_plugin_blinds_only_what_it_reads(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.faults["broker"] = ZeroDivisionError("oops")
    await ticks.run()
    tick = ticks.controller.last
    assert "oops" in tick.snapshot.missing["broker"]
    assert "ZeroDivisionError" in tick.bugs["broker"]


@pytest.mark.parametrize("reading", [None, {}, 5])
async def test_what_is_no_reading_is_a_bug_and_not_an_empty_system(world, tmp_path, reading):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run(4)
    world.depth = 0
    world.readings["workers"] = reading
    turn = await ticks.run(20)
    assert "it should give Observation" in turn.snapshot.missing["workers"]
    assert len(world.units) == 4
    world.readings = {"units": reading}
    turn = await ticks.run()
    assert (turn.result, turn.decision.reason) == (Result.FAILED, "TargetUnreadable")
    assert "TypeError" in ticks.controller.last.bugs["target/default"]


async def test_a_bug_of_a_target_is_told_and_what_was_done_beside_it_is_remembered(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run()
    world.faults["launch"] = ZeroDivisionError("oops")
    turn = await ticks.run()
    assert (turn.result, {o.result for o in turn.outcomes}) == (Result.ERROR, {Result.ERROR})
    assert "ZeroDivisionError" in ticks.controller.last.bugs["fleet/default"]
    asked = {outcome.action.unit for outcome in turn.outcomes}
    assert ticks.controller.memory_of("default").unsure.keys() == asked
    del world.faults["launch"]
    await ticks.run()
    assert not ticks.controller.last.bugs


async def test_a_bug_in_one_fleets_turn_is_an_error_of_that_fleet(world, tmp_path):
    ticks = Ticks(config(tmp_path, fleet={"policies": WITH_A_BUG}))
    world.depth = 16
    await ticks.run()
    world.faults["policy"] = ZeroDivisionError("oops")
    turn = await ticks.run()
    assert (turn.result, turn.decision.reason) == (Result.ERROR, "Bug")
    assert "ZeroDivisionError" in ticks.controller.last.bugs["fleet/default"]


async def test_after_a_bug_a_whole_window_passes_before_replicas_go(world, tmp_path):
    window = {"scale_down": {"stabilization_window_seconds": 60}}
    ticks = Ticks(config(tmp_path, fleet={"behavior": window, "policies": WITH_A_BUG}))
    world.depth = 16
    await ticks.run(14)
    world.faults["policy"] = ZeroDivisionError("oops")
    assert (await ticks.run(2)).result is Result.ERROR
    del world.faults["policy"]
    world.depth = 0
    turn = await ticks.run(12)
    assert (turn.decision.reason, turn.decision.current) == ("DataNotSettled", 4)
    assert ActionKind.DRAIN in kinds(await ticks.run())


async def test_a_bug_in_an_observer_is_told_with_the_next_tick(world, tmp_path):
    seen = []

    def broken(tick):
        seen.append(tick)
        raise ZeroDivisionError

    ticks = Ticks(config(tmp_path), observers=[broken, seen.append])
    await ticks.run(2)
    assert [bool(tick.bugs) for tick in seen] == [False, False, True, True]


async def test_what_came_without_an_answer_counts_though_the_clock_was_set_back(world, tmp_path):
    one_a_minute = {"limits": [{"type": "pods", "value": 1, "period_seconds": 60}]}
    ticks = Ticks(config(tmp_path, fleet={"behavior": {"scale_up": one_a_minute}}))
    world.depth = 16
    await ticks.run()
    world.at["launch"] = lambda: world.launch("default-1", ticks.now)
    world.faults["launch"] = TARGET_DOWN
    assert (await ticks.run()).result is Result.FAILED
    world.at.clear()
    world.faults.clear()
    ticks.now -= 3600
    turn = await ticks.run()
    assert (turn.decision.reason, turn.decision.desired, len(world.units)) == ("ScaleUpLimit", 1, 1)


async def test_what_was_asked_for_again_with_success_is_counted_once(world, tmp_path):
    ticks = Ticks(config(tmp_path))
    world.depth = 16
    await ticks.run()
    world.faults["launch"] = TARGET_DOWN
    await ticks.run()
    assert ticks.controller.memory_of("default").unsure
    world.faults.clear()
    await ticks.run()
    assert not ticks.controller.memory_of("default").unsure
    assert [event.replicas for event in ticks.controller.memory_of("default").history.ups] == [4]


async def test_who_answered_once_is_not_unheard_of_though_no_source_tells_of_it(world, tmp_path):
    ticks = Ticks(config(tmp_path, fleet={"min_replicas": 1}))
    world.launch("default-1", ticks.now)
    await ticks.run()
    world.launch("default-2", ticks.now)

    async def run_until(done):
        for _ in range(60):
            facts = {"heartbeat_at": ticks.now, "answered_at": ticks.now}
            told = {"default-1@host": worker("default-1@host", **facts)}
            world.readings["workers"] = WorkersState(ticks.now, told)
            turn = await ticks.run()
            if done(turn):
                return turn
        raise AssertionError("it does not come to that")

    turn = await run_until(lambda turn: ActionKind.REMOVE in kinds(turn))
    [outcome] = turn.outcomes
    assert (outcome.action.unheard, outcome.result) == (True, Result.WAITING)
    world.faults["inspect"] = ControlError("503")
    now = ticks.now
    turn = await run_until(lambda turn: ticks.now > now + 60)
    assert kinds(turn) == []
    assert "default-2" in world.units

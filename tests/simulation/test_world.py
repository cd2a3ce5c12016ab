"""The fake world behaves as the real one is known to: queues, workers, units, network."""

from __future__ import annotations

import asyncio

import pytest

from autoscaler.errors import StaleActionError, TargetConflict, TargetError
from autoscaler.model import Action, ActionKind, Drain, Fence, UnitPhase
from tests.simulation.network import Link


def action(kind, unit, sequence, term=1):
    return Action(kind, "f", unit, Fence(term, sequence), 0.0, "", f"{unit}@sim")


def add(world, *units, first=1):
    actions = [action(ActionKind.ADD, unit, first + n) for n, unit in enumerate(units)]
    world.platforms["f"].add(actions)


def only_worker(world, pass_time):
    add(world, "f-1")
    pass_time(15)
    [worker] = world.broker.workers
    return worker


def test_a_unit_boots_and_its_worker_runs_what_is_sent(world, pass_time):
    worker = only_worker(world, pass_time)
    for _ in range(6):
        world.broker.send("q", 10.0)
    assert (len(worker.active), len(worker.reserved), len(world.broker.queues["q"])) == (2, 2, 2)
    assert world.broker.observe(0.0).queues["q"].waiting == 2
    pass_time(31)
    assert world.ledger.counts == {"sent": 6, "finished": 6}
    assert worker.empty


def test_a_worker_without_consumers_finishes_and_takes_nothing(world, pass_time):
    worker = only_worker(world, pass_time)
    worker.cancel_consumers(["q"])
    world.broker.send("q", 1.0)
    pass_time(60)
    assert world.broker.observe(0.0).queues["q"].waiting == 1
    worker.add_consumers(["q"])
    pass_time(2)
    assert world.ledger.counts["finished"] == 1


def test_a_graceful_end_gives_back_what_it_did_not_start_and_finishes_the_rest(world, pass_time):
    worker = only_worker(world, pass_time)
    for _ in range(4):
        world.broker.send("q", 10.0)
    world.platforms["f"].stop(world.platforms["f"].units["f-1"])
    pass_time(0.1)
    assert (len(worker.active), len(world.broker.queues["q"])) == (2, 2)
    assert not worker.answers
    pass_time(10)
    assert (world.ledger.counts["finished"], world.platforms["f"].units) == (2, {})


def test_the_end_of_the_grace_period_kills_and_that_is_a_violation(world, pass_time):
    only_worker(world, pass_time)
    world.broker.send("q", 100.0)
    world.platforms["f"].stop(world.platforms["f"].units["f-1"])
    pass_time(21)
    assert world.ledger.counts["killed by scale_in"] == 1
    assert world.oracles.violation.oracle == "zero-kill"


def test_a_killed_workers_tasks_come_back_if_it_acknowledges_late(world, pass_time):
    worker = only_worker(world, pass_time)
    world.broker.send("q", 100.0)
    worker.kill("node")
    assert world.ledger.counts == {"sent": 1, "killed by node": 1}
    pass_time(world.scenario.redeliver_seconds + 1)
    assert len(world.broker.queues["q"]) == 1


def test_a_hung_worker_obeys_when_it_goes_on(world, pass_time):
    worker = only_worker(world, pass_time)
    world.broker.send("q", 5.0)
    worker.hang()
    worker.tell(lambda: worker.cancel_consumers(["q"]))
    pass_time(20)
    assert (worker.subscribed, len(worker.active), worker.answers) == ({"q"}, 1, False)
    worker.wake()
    assert (worker.subscribed, worker.empty, worker.answers) == (set(), True, True)


def test_a_message_under_way_lands_at_the_first_look_or_just_after(world, pass_time):
    worker = only_worker(world, pass_time)
    world.faults.open("late_delivery")
    world.broker.land(worker)
    assert world.ledger.counts == {}
    landed = []
    for number in range(1, 21):
        worker.cancel_consumers(["q"])
        for _ in range(3):
            world.broker.land(worker)
        landed.append(world.ledger.counts["sent"] == number and not worker.empty)
        pass_time(0.002)
        assert (len(worker.active), len(worker.reserved)) == (1, 0)
        pass_time(70)
        worker.add_consumers(["q"])
    assert set(landed) == {True, False}


def test_purged_and_revoked_work_is_no_more_and_none_comes_while_producers_are_silent(
    world, pass_time
):
    worker = only_worker(world, pass_time)
    for _ in range(6):
        world.broker.send("q", 100.0)
    world.broker.purge(["q"])
    assert (worker.empty, world.ledger.counts["cancelled"], world.ledger.open) == (True, 6, {})
    [plan] = world.scenario.fleets
    resume = world.load.silence(plan)
    world.load.start()
    pass_time(600)
    assert world.ledger.counts["sent"] == 6
    resume()
    pass_time(3600)
    assert world.ledger.counts["sent"] > 6


def test_a_hung_worker_does_not_hear_that_its_work_is_revoked(world, pass_time):
    worker = only_worker(world, pass_time)
    world.broker.send("q", 100.0)
    worker.hang()
    world.broker.purge(["q"])
    assert len(worker.active) == 1


def test_listings_lag_while_they_are_told_to(world, pass_time):
    platform = world.platforms["f"]
    pass_time(100)
    close = world.faults.open("listing_lags", "f", 30.0)
    add(world, "f-1")
    assert platform.listing() == ()
    pass_time(31)
    assert [unit.phase for unit in platform.listing()] == [UnitPhase.PENDING]
    close()
    assert [unit.phase for unit in platform.listing()] == [UnitPhase.RUNNING]


def test_a_target_refuses_what_is_stale_or_one_too_many(world, pass_time):
    platform = world.platforms["f"]
    add(world, "f-1", "f-2", first=5)
    add(world, "f-1", first=9)
    assert sorted(platform.units) == ["f-1", "f-2"]
    with pytest.raises(StaleActionError):
        add(world, "f-3", first=6)
    with pytest.raises(TargetConflict):
        add(world, "f-3", "f-4", first=10)
    pass_time(15)
    platform.mark(action(ActionKind.DRAIN, "f-1", 11), Drain(0.0))
    with pytest.raises(StaleActionError):
        platform.mark(action(ActionKind.RESUME, "f-1", 10), None)
    assert world.oracles.violation is None


def test_a_quota_creates_none_and_partial_success_some(world):
    close = world.faults.open("quota_exceeded")
    with pytest.raises(TargetError, match="quota"):
        add(world, "f-1")
    close()
    world.faults.open("partial_success")
    with pytest.raises(TargetError, match="only some"):
        add(world, "f-1", "f-2")
    assert sorted(world.platforms["f"].units) == ["f-1"]


@pytest.mark.parametrize("dies", [False, True])
def test_what_was_sent_arrives_after_its_sender_gave_up_or_died(world, dies):
    done, link = [], Link(world, 1)
    close = world.faults.open("effects_late")

    async def send():
        try:
            async with asyncio.timeout(5):
                await link.call("effects", "f", lambda: done.append(world.now), TargetError)
        except TimeoutError:
            link.alive = not dies
        close()
        assert done == []
        await asyncio.sleep(120)

    world.loop.run(send())
    assert len(done) == 1
    assert done[0] > 5


def test_the_dead_send_nothing(world):
    link = Link(world, 1)
    link.alive = False

    async def send():
        with pytest.raises(asyncio.CancelledError):
            await link.call("effects", "f", lambda: None, TargetError)

    world.loop.run(send())
    assert link.calls == {}

"""Two daemon processes and one lease: one acts, the other knows all and takes over in time."""

from __future__ import annotations

import signal

import pytest

from tests.leader.daemons import SLEEPERS, Members
from tests.leader.stores import scene_of
from tests.servers import eventually

LEASE_SECONDS = 8.0
OTHERS = ("postgresql", "kubernetes")


@pytest.fixture(params=["redis", *(pytest.param(k, marks=pytest.mark.full) for k in OTHERS)])
async def members(request, tmp_path, state):
    def postgres():
        return request.getfixturevalue("postgres")

    async with scene_of(request.param, tmp_path, postgres) as scene:
        await scene.give_back()
        config = {"leader": scene.config, "sources": {}, "fleets": [SLEEPERS]}
        made = Members(tmp_path, state, config)
        try:
            yield made
        finally:
            await made.kill()


async def test_a_leader_that_is_told_to_end_is_followed_within_two_seconds(members):
    first, second = await members.start_two()
    await first.hold_at(3)
    await eventually(lambda: is_size(second, 3), "three replicas, seen by both")
    assert (await second.of_fleet())["desired"] == 3
    assert "autoscaler_leader 0.0" in await second.text("/metrics")
    assert "autoscaler_leader 1.0" in await first.text("/metrics")
    assert await second.status("/readyz") == 200
    status, problem = await second.post("/api/v1/fleets/sleepers/scale", replicas=1)
    assert status == 409
    assert f"the leader is {second.events('follows')[0]['why'].split()[0]}" in problem["detail"]
    assert await members.follow(first, second, signal.SIGTERM) <= 2.0
    await second.hold_at(4)
    await eventually(lambda: is_size(second, 4), "a fourth replica")
    assert await first.exited() == 0
    assert set(members.started().values()) == {1}
    assert [did.split()[-1] for did in members.acted(second)] == ["sleepers-4"]


@pytest.mark.full
async def test_a_leader_that_is_killed_is_followed_within_one_and_a_half_leases(members):
    first, second = await members.start_two()
    await first.hold_at(2)
    await eventually(lambda: is_size(second, 2), "two replicas")
    assert await members.follow(first, second, signal.SIGKILL) <= 1.5 * LEASE_SECONDS
    third = await members.start()
    await second.hold_at(4)
    await eventually(lambda: is_size(second, 4), "four replicas")
    assert not await third.leads()
    assert sorted(members.started()) == ["sleepers-1", "sleepers-2", "sleepers-3", "sleepers-4"]
    assert set(members.started().values()) == {1}


@pytest.mark.full
async def test_one_that_was_stopped_past_its_lease_does_nothing_when_it_goes_on(members):
    first, second = await members.start_two()
    await first.hold_at(1)
    await eventually(lambda: is_size(second, 1), "one replica")
    assert await members.follow(first, second, signal.SIGSTOP) <= 1.5 * LEASE_SECONDS
    before = members.acted(first)
    await second.hold_at(4)
    await eventually(lambda: is_size(second, 4), "four replicas")
    first.signal(signal.SIGCONT)
    await eventually(lambda: is_size(first, 4), "the first goes on")
    assert not await first.leads()
    await first.ticked(3)
    assert members.acted(first) == before
    assert set(members.started().values()) == {1}


async def is_size(member, size):
    return await member.size() == size

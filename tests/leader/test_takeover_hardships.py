"""Two daemons: the leader killed amid drains of real workers, and an outage of the store."""

from __future__ import annotations

import contextlib
import signal

import pytest

from autoscaler.clock import Clock
from autoscaler.model import Override
from autoscaler.overrides import Overrides
from tests.leader.daemons import SLEEPERS, Members
from tests.leader.stores import on_valkey
from tests.servers import eventually, valkey
from tests.units import kill_units
from tests.zero_kill.rig import Load, Rig, Verdict

pytestmark = pytest.mark.full
LEASE_SECONDS = 8.0


@contextlib.asynccontextmanager
async def members_of(directory, state, config):
    made = Members(directory, state, config)
    try:
        yield made
    finally:
        await made.kill()
        kill_units(state)


async def test_drains_go_on_under_the_successor_of_a_leader_killed_amid_them(tmp_path):
    load = Load(tasks=6, shortest_seconds=14, longest_seconds=16, prefetch=1, slots=1, workers=4)
    async with valkey() as broker, on_valkey(tmp_path, broker) as scene:
        await scene.give_back()
        rig = Rig(tmp_path, broker.url, broker.url, load)
        config = {**rig.configuration(), "leader": scene.config}
        async with members_of(tmp_path, rig.state, config) as members:
            first, second = await members.start_two()
            await rig.hold(4)
            await eventually(lambda: serves(second, 4), "four workers", 90)
            rig.send()
            await eventually(lambda: started(rig, 4), "a task in each", 30)
            await rig.hold(1)
            await eventually(lambda: len(rig.draining()) == 3, "three drains", 20)
            took = await members.follow(first, second, signal.SIGKILL)
            assert took <= 1.5 * LEASE_SECONDS
            assert len(rig.units()) == 4, "whatever is killed, the workers are not"
            await rig.until_units(1)
            await rig.finished_at_least(load.tasks)
            assert await rig.verdict() == Verdict(load.tasks, lost=0, killed=0, run_twice=0)
            assert set(members.started().values()) == {1}
            assert sorted(members.acted(second)) == sorted(set(members.acted(second)))
            assert len(members.acted(second)) == 3


async def test_without_its_store_nobody_acts_and_all_is_read_until_it_is_back(tmp_path):
    state = tmp_path / "state"
    async with valkey() as server, on_valkey(tmp_path, server) as scene:
        await scene.give_back()
        config = {"leader": scene.config, "sources": {}, "fleets": [SLEEPERS]}
        async with members_of(tmp_path, state, config) as members:
            first, second = await members.start_two()
            await first.hold_at(1)
            await eventually(lambda: is_size(second, 1), "one replica")
            await server.stop()
            await eventually(lambda: nobody(first, second), "the end of the lease", LEASE_SECONDS)
            for member in (first, second):
                await eventually(lambda m=member: refuses(m, 503), "the refusal", 10)
            hold = Override("sleepers", "test", "test", Clock().now(), replicas=3)
            Overrides(state).set(hold)
            for member in (first, second):
                await eventually(lambda m=member: wants(m, 3), "a decision")
                await member.ticked(3)
                health = await member.get("/api/v1/health")
                assert "leader_missing" in {found["check"] for found in health["findings"]}
                assert await member.status("/readyz") == 200
            assert sum(members.started().values()) == 1
            await server.start()
            await eventually(lambda: is_size(first, 3), "what was wanted all the time", 30)
            assert sorted([await first.leads(), await second.leads()]) == [False, True]
            assert set(members.started().values()) == {1}


async def serves(member, replicas):
    return (await member.of_fleet("default"))["ready"] == replicas


async def started(rig, tasks):
    return len(await rig.started()) >= tasks


async def is_size(member, size):
    return await member.size() == size


async def wants(member, replicas):
    fleet = await member.of_fleet()
    return (fleet["desired"], fleet["result"]) == (replicas, "not_leader")


async def refuses(member, status):
    answered, problem = await member.post("/api/v1/fleets/sleepers/scale", replicas=3)
    return answered == status and "nobody leads" in problem["detail"]


async def nobody(*members):
    return not any([await member.leads() for member in members])

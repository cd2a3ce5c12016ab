"""Scale 6 -> 2 -> 5 -> 1 under load, whatever goes wrong: no task is lost, killed or run twice."""

from __future__ import annotations

import os
import signal

import pytest

from tests.servers import valkey
from tests.zero_kill.rig import Load, Rig, Verdict, running, settle

SMALL = Load(tasks=60, longest_seconds=0.8, slots=2, workers=3)
FULL = [
    pytest.param(prefetch, late, id=f"prefetch{prefetch}-{'late' if late else 'early'}")
    for prefetch in (4, 1)
    for late in (False, True)
]


def clean(load: Load) -> Verdict:
    return Verdict(finished=load.tasks, lost=0, killed=0, run_twice=0)


async def end(rig: Rig) -> None:
    """The whole work done: every task was run exactly once."""
    await finish(rig)
    assert await rig.verdict() == clean(rig.load)


async def finish(rig: Rig) -> None:
    """Down to one; then the whole fleet finishes what is left."""
    await rig.hold(1)
    await rig.until_units(1)
    await rig.hold(rig.load.workers)
    await rig.finished_at_least(rig.load.tasks)


async def scale_under_load(rig: Rig) -> None:
    rig.send()
    await rig.finished_at_least(rig.load.workers * rig.load.slots)
    await rig.hold(2)
    await rig.until_units(2)
    await rig.hold(rig.load.workers - 1)
    await rig.until("ready_replicas", rig.load.workers - 1)
    await end(rig)


async def drain_under_load(rig: Rig) -> None:
    """Bring the fleet to where most of its workers drain, busy."""
    rig.send()
    await rig.finished_at_least(rig.load.workers)
    await rig.hold(2)
    await rig.until("draining_replicas", min(4, rig.load.workers - 2))


async def test_a_small_fleet_scales_in_and_out_without_a_loss(tmp_path):
    async with valkey() as broker, running(tmp_path, broker.url, SMALL) as rig:
        await scale_under_load(rig)


@pytest.mark.full
@pytest.mark.parametrize(("prefetch", "late"), FULL)
async def test_scaling_under_load(tmp_path, broker, prefetch, late):
    load = Load(prefetch=prefetch, acks_late=late)
    async with running(tmp_path, broker.url, load) as rig:
        await scale_under_load(rig)


@pytest.mark.full
async def test_the_daemon_is_killed_in_mid_drain(tmp_path, broker):
    async with running(tmp_path, broker.url, Load()) as rig:
        await drain_under_load(rig)
        before = rig.units()
        await rig.kill_daemon_and_start_again()
        await rig.until_units(2)
        assert set(rig.units().items()) <= set(before.items())
        await end(rig)


@pytest.mark.full
async def test_the_broker_is_restarted_in_mid_drain(tmp_path, broker):
    """What workers had fetched comes back, in Celery's own way: by the visibility timeout.

    A task that begins while the broker goes down may lose its acknowledgement with the connection;
    then the broker gives it out again, whether or not anything is scaled. No other is repeated.
    """
    async with running(tmp_path, broker.url, Load(visibility_timeout=25)) as rig:
        await drain_under_load(rig)
        before = await rig.started()
        await settle(1)
        await broker.restart()
        meanwhile = await rig.started() - before
        await rig.until_units(2)
        await finish(rig)
        assert await rig.run_twice() <= meanwhile
        verdict = await rig.verdict()
        assert (verdict.finished, verdict.lost, verdict.killed) == (rig.load.tasks, 0, 0)


@pytest.mark.full
async def test_a_worker_hangs_in_mid_drain(tmp_path, broker):
    async with running(tmp_path, broker.url, Load()) as rig:
        units = rig.units()
        await drain_under_load(rig)
        draining = rig.draining()
        hung = units[draining[0]]
        os.killpg(hung, signal.SIGSTOP)
        try:
            await rig.until_units(3)
            await settle(12)
            assert hung in rig.units().values()
        finally:
            os.killpg(hung, signal.SIGCONT)
        await rig.until_units(2)
        await end(rig)


@pytest.mark.full
async def test_demand_returns_in_mid_drain(tmp_path, broker):
    async with running(tmp_path, broker.url, Load()) as rig:
        before = rig.units()
        await drain_under_load(rig)
        await rig.hold(6)
        await rig.until("ready_replicas", 6)
        assert rig.units() == before, "draining workers are resumed, and no new one is started"
        await end(rig)

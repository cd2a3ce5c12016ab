"""What every store of a lease must do, on real servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from autoscaler import clock
from autoscaler.clock import Clock
from autoscaler.leader.lease import Found, Lease
from tests.leader.stores import scene_of

LEASE = Lease("host_1_abc", 7, 1_800_000_000_000_000, 15.0)


@pytest.fixture(params=["redis", "postgresql", "kubernetes"])
async def scene(request, tmp_path):
    def postgres():
        return request.getfixturevalue("postgres")

    async with scene_of(request.param, tmp_path, postgres) as made:
        yield made


async def test_a_lease_is_kept_as_it_was_written(scene):
    one, other = scene.store(), scene.store()
    assert await one.read() == Found()
    written = await one.replace(Found(), LEASE)
    assert written is not None
    assert written == await other.read()
    assert written.lease == LEASE


async def test_only_what_was_found_is_replaced(scene):
    one, other = scene.store(), scene.store()
    first = await one.replace(Found(), LEASE)
    assert await other.replace(Found(), replace(LEASE, holder="late")) is None
    second = await other.replace(first, replace(LEASE, renewed_at=LEASE.renewed_at + 1))
    assert await one.replace(first, replace(LEASE, holder="late")) is None
    assert await one.read() == second


async def test_of_many_at_once_one_is_first(scene):
    stores = [scene.store() for _ in range(8)]
    for store in stores:
        await store.read()
    tries = (s.replace(Found(), replace(LEASE, holder=f"{n}")) for n, s in enumerate(stores))
    written = [found for found in await asyncio.gather(*tries) if found]
    assert written == [await stores[0].read()]


async def test_leases_of_other_names_are_others(scene):
    await scene.store().replace(Found(), LEASE)
    assert await scene.store(name="other").read() == Found()


async def test_daemons_elect_one_of_them_and_follow_it_when_it_ends(scene):
    leaders = [scene.store().stand(Clock().now, clock.elapsed) for _ in range(3)]
    first, *_ = leaders
    written = replace(LEASE, holder="")
    await scene.store().replace(Found(), written)
    assert await first.acquire()
    assert [await leader.acquire() for leader in leaders] == [True, False, False]
    assert {leader.led_by for leader in leaders} == {"", first.name}
    await first.aclose()
    assert sum([await leader.acquire() for leader in leaders[1:]]) == 1
    assert max(leader.term for leader in leaders[1:]) > first.term > written.term

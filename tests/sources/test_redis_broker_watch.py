"""Jumps of a queue wake the daemon; Sentinel leads to the primary."""

import asyncio
import contextlib

import pytest
from redis.exceptions import RedisError

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from tests.clients.messages import task
from tests.servers import eventually, free_port, sentinel, valkey
from tests.sources.redis_scene import NOW, broker, refused


class TestSentinel:
    @pytest.mark.full
    async def test_the_primary_is_found_and_followed_through_a_failover(self):
        async with valkey() as primary, valkey() as replica, replica.client() as client:
            await client.replicaof("127.0.0.1", primary.port)
            async with primary.client() as writer:
                await writer.lpush("default", task())
            await eventually(lambda: client.llen("default"), "replication")
            async with sentinel(primary) as watcher:
                url = f"sentinel://127.0.0.1:{free_port()};127.0.0.1:{watcher.port}/0"
                async with broker(url) as source, broker(url, master_name="x") as unknown:
                    assert (await source.read(NOW)).queues["default"].waiting == 1
                    assert "no Sentinel knows this primary" in await refused(unknown)
                    await primary.kill()
                    assert "cannot be reached" in await refused(source)
                    await promoted(client)
                    await client.lpush("default", task())
                    state = await eventually(lambda: read_or_none(source))
                    assert state.queues["default"].waiting == 2


class TestWatch:
    async def test_it_wakes_for_a_jump_once(self):
        async with valkey() as server, server.client() as client, broker(server.url) as source:
            woken = []
            watching = asyncio.create_task(source.watch(woken.append))
            await source.read(NOW)
            await client.lpush("default", task())
            await eventually(lambda: woken)
            assert woken == ["queue default jumped from 0 to 1 tasks"]
            await client.lpush("default", task(), task())
            await asyncio.sleep(1.2)
            assert len(woken) == 1, "two more are no jump"
            await client.lpush("default", *(task() for _ in range(10)))
            await eventually(lambda: len(woken) == 2)
            assert woken[1] == "queue default jumped from 1 to 13 tasks"
            await source.read(NOW)
            await client.lpush("default", *(task() for _ in range(3)))
            await asyncio.sleep(1.2)
            assert len(woken) == 2, "3 more than 13 are less than a quarter"
            await client.delete("default")
            await source.read(NOW)
            await client.lpush("default", task())
            await asyncio.sleep(0.7)
            assert len(woken) == 2, "a trickle into an empty queue wakes only now and then"
            watching.cancel()

    async def test_it_survives_outages_and_says_nothing_before_the_first_read(self):
        async with valkey(persist=True) as server, broker(server.url) as source:
            woken = []
            watching = asyncio.create_task(source.watch(woken.append))
            async with server.client() as client:
                await client.lpush("high", task())
            await asyncio.sleep(0.7)
            assert woken == []
            await source.read(NOW)
            await server.kill()
            await asyncio.sleep(1.5)
            await server.start()
            async with server.client() as client:
                await client.lpush("default", task())
            await eventually(lambda: woken, timeout_seconds=15)
            assert woken == ["queue default jumped from 0 to 1 tasks"]
            watching.cancel()

    async def test_without_queues_there_is_nothing_to_watch(self):
        async with valkey() as server, broker(server.url, Context("broker")) as source:
            await asyncio.wait_for(source.watch(lambda _: None), 1)
            assert (await source.read(NOW)).queues == {}


async def promoted(client):
    async def primary():
        with contextlib.suppress(RedisError):
            return (await client.info("replication"))["role"] == "master"

    return await eventually(primary, "failover", timeout_seconds=20)


async def read_or_none(source):
    with contextlib.suppress(SourceError):
        return await source.read(NOW)

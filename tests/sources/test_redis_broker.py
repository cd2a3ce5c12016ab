"""Source `redis_broker` against real Valkey: what it tells, and every fault a broker can have."""

import asyncio

import pytest
from pydantic import ValidationError

from autoscaler.sources.redis_broker import RedisBrokerOptions
from tests.celery_app import app
from tests.clients.messages import task
from tests.servers import valkey
from tests.sources.redis_scene import NOW, broker, refused


async def test_what_celery_sent_is_counted_by_queue():
    async with valkey() as server, broker(server.url) as source:
        with app.connection_for_write(server.url) as connection:
            for priority in (0, 4, 9):
                app.send_task("nap", (1,), connection=connection, priority=priority)
            app.send_task("nap", (1,), connection=connection, queue="high", countdown=60)
        state = await source.read(NOW)
    assert state.at == NOW
    assert {name: queue.waiting for name, queue in state.queues.items()} == {
        "default": 3,
        "high": 1,
    }
    assert state.unacked_tasks == 0
    assert state.oldest_unacked_age_seconds is None
    assert state.unreadable == {}


async def test_an_empty_queue_is_known_to_be_empty():
    async with valkey() as server, broker(server.url, queues=("other",)) as source:
        state = await source.read(NOW)
    assert state.queues["other"].waiting == 0
    assert state.queues["other"].oldest_age_seconds is None
    assert list(state.queues) == ["other"], "the options name the queues, not the fleets"


async def test_unacknowledged_tasks_and_the_oldest_of_them():
    async with valkey() as server, server.client() as client, broker(server.url) as source:
        await client.hset("unacked", mapping={"a": "1", "b": "2"})
        await client.zadd("unacked_index", {"a": NOW - 30, "b": NOW - 90})
        state = await source.read(NOW)
        assert state.unacked_tasks == 2
        assert state.oldest_unacked_age_seconds == 90
        await client.zadd("unacked_index", {"a": NOW + 2, "b": NOW + 3})
        assert (await source.read(NOW)).oldest_unacked_age_seconds == 0, "clocks differ a little"
        await client.zadd("unacked_index", {"a": NOW + 100, "b": NOW + 100})
        assert (await source.read(NOW)).oldest_unacked_age_seconds is None
        await client.delete("unacked", "unacked_index")
        await client.set("unacked", "text")
        await client.set("unacked_index", "text")
        state = await source.read(NOW)
        assert state.unacked_tasks is None
        assert state.oldest_unacked_age_seconds is None
        assert "holds something else" in state.unreadable["unacked"]


async def test_the_oldest_age_without_the_producers_help():
    async with valkey() as server, server.client() as client, broker(server.url) as source:
        clock = asyncio.get_running_loop().time

        async def age():
            return (await source.read(NOW)).queues["default"].oldest_age_seconds

        assert await age() is None
        began = clock()
        await client.lpush("default", task(), task())
        await age()
        await asyncio.sleep(0.3)
        await age()
        await client.lpush("default", task())
        assert await age() == pytest.approx(clock() - began, abs=0.1)
        await client.rpop("default", 2)
        assert await age() < 0.2, "what is left came after the pause"


async def test_the_oldest_age_by_the_header_of_producers():
    async with valkey() as server, server.client() as client, broker(server.url) as source:
        await client.lpush("default", task(sent_at=NOW - 77))
        assert (await source.read(NOW)).queues["default"].oldest_age_seconds == 77


async def test_a_key_prefix():
    async with valkey() as server, server.client() as client:
        await client.lpush("app:default", task())
        await client.hset("app:unacked", "a", "1")
        async with broker(server.url, key_prefix="app:") as source:
            state = await source.read(NOW)
    assert state.queues["default"].waiting == 1
    assert state.unacked_tasks == 1


async def test_another_database_and_a_socket(tmp_path):
    path = tmp_path / "s"
    async with valkey(options=["--unixsocket", str(path)]) as server:
        async with server.client(3) as client:
            await client.lpush("default", task())
        for url in (server.database(3), f"unix://{path}?db=3"):
            async with broker(url) as source:
                assert (await source.read(NOW)).queues["default"].waiting == 1


async def test_a_wrong_key_makes_its_queue_unknown_and_only_that():
    async with valkey() as server, server.client() as client, broker(server.url) as source:
        await client.set("high", "text")
        state = await source.read(NOW)
        assert "high" not in state.queues
        assert "holds something else" in state.unreadable["high"]
        assert state.queues["default"].waiting == 0
        await client.set("default", "text")
        assert "holds something else" in await refused(source)
        await client.delete("high", "default")
        assert len((await source.read(NOW)).queues) == 2


async def test_a_huge_queue_name_is_told_shortly():
    huge = "q" * 10_000_000
    async with valkey() as server, broker(server.url, queues=(huge, "default")) as source:
        state = await source.read(NOW)
        assert list(state.queues) == ["default"]
        assert state.unreadable[huge] == "its name is longer than 1024 bytes: shorten it"
    async with broker(server.url, queues=(huge,)) as source:
        assert len(await refused(source)) < 300


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"url": "http://host"}, "is no address of a Redis broker"),
        ({"url": "amqp://host"}, "is no address of a Redis broker"),
        ({"url": "redis://host", "timeout_seconds": 0}, "timeout_seconds"),
        ({"url": "redis://host", "priority_steps": []}, "priority_steps"),
        ({"url": "redis://host", "queue": "x"}, "queue"),
    ],
)
def test_broken_options(broken, said):
    with pytest.raises(ValidationError, match=said):
        RedisBrokerOptions(**broken)

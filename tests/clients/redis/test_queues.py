"""The script that reads queues within Redis, and what takes its place where scripts are denied."""

import json

import pytest
from redis.exceptions import ResponseError

from autoscaler.clients.redis.queues import (
    LOOKS_FOR_MARKS,
    LOOKS_PER_READ,
    READS_WITHOUT_SCRIPTS,
    QueueLayout,
    RedisQueues,
)
from tests.clients.messages import task
from tests.servers import valkey


def unmarked(queue):
    return {}


def marks_of(reading):
    def marks(queue):
        return {found.step: found.mark for found in reading.lists if found.queue == queue}

    return marks


@pytest.fixture
async def client():
    async with valkey() as server, server.client() as client:
        yield client


async def test_depths_over_all_priority_steps(client):
    await client.lpush("a", task(), task())
    await client.lpush("a\x06\x163", task())
    await client.lpush("b\x06\x169", task(), task(), task())
    reading, rest = await RedisQueues(["a", "b", "c"], QueueLayout()).read(
        client, unmarked, [("HLEN", "unacked"), ("GET", "a")]
    )
    assert reading.depths == {"a": 3, "b": 3, "c": 0}
    assert {(f.queue, f.step, f.length) for f in reading.lists} == {
        ("a", 1, 2),
        ("a", 2, 1),
        ("b", 4, 3),
    }
    assert reading.looked_at == ["a", "b"]
    assert rest[0] == 0
    assert isinstance(rest[1], ResponseError), "an error of an extra command is a reply"


async def test_other_steps_separators_and_prefixes(client):
    await client.lpush("app:a", task())
    await client.lpush("app:a::5", task(), task())
    await client.lpush("a", task())
    layout = QueueLayout((0, 5), "::", "app:")
    reading, _ = await RedisQueues(["a"], layout).read(client, unmarked)
    assert reading.depths == {"a": 3}
    only = QueueLayout((0,), prefix="app:")
    reading, _ = await RedisQueues(["a"], only).read(client, unmarked)
    assert reading.depths == {"a": 1}


async def test_new_messages_are_counted_from_the_last_mark(client):
    queues = RedisQueues(["a"], QueueLayout())
    await client.lpush("a", task(), task())
    first, _ = await queues.read(client, unmarked)
    assert first.lists[0].arrived is None
    again, _ = await queues.read(client, marks_of(first))
    assert again.lists[0].arrived == 0
    await client.lpush("a", *(task() for _ in range(40)))
    await client.rpop("a")
    grown, _ = await queues.read(client, marks_of(first))
    assert (grown.lists[0].length, grown.lists[0].arrived) == (41, 40)
    await client.ltrim("a", 0, 9)
    drained, _ = await queues.read(client, marks_of(first))
    assert drained.lists[0].arrived == 10, "the mark has left, so all that is there is newer"
    assert not drained.lists[0].at_least


async def test_counting_stops_at_its_budget(client):
    queues = RedisQueues(["a"], QueueLayout())
    await client.lpush("a", task())
    first, _ = await queues.read(client, unmarked)
    await client.lpush("a", *(task() for _ in range(LOOKS_FOR_MARKS + 100)))
    burst, _ = await queues.read(client, marks_of(first))
    assert burst.lists[0].at_least
    assert LOOKS_FOR_MARKS <= burst.lists[0].arrived <= LOOKS_FOR_MARKS + 100


async def test_messages_of_other_producers_are_told_apart_by_their_text(client):
    queues = RedisQueues(["a"], QueueLayout())
    await client.lpush("a", json.dumps({"properties": {"delivery_tag": "1"}, "body": "x" * 500}))
    first, _ = await queues.read(client, unmarked)
    await client.lpush("a", json.dumps({"properties": {"delivery_tag": "2"}, "body": "x" * 500}))
    second, _ = await queues.read(client, marks_of(first))
    assert second.lists[0].arrived == 1


async def test_sent_at_of_the_oldest_message_but_not_from_arguments(client):
    await client.lpush("a", task(sent_at=1700000000.25), task(sent_at=1800000000))
    await client.lpush("b", task(argsrepr='("sent_at": 5, \'"sent_at": 6\')'))
    await client.lpush("c", task(sent_at="soon"), task(sent_at=1))
    await client.lpush("d", '"sent_at": 1.2.3')
    reading, _ = await RedisQueues(list("abcd"), QueueLayout()).read(client, unmarked)
    sent = {found.queue: found.sent_at for found in reading.lists}
    assert sent == {"a": 1700000000.25, "b": None, "c": None, "d": None}


async def test_many_queues_are_looked_at_in_turn(client):
    names = [f"q{number}" for number in range(3 * LOOKS_PER_READ)]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.lpush(name, task())
    await pipe.execute()
    queues = RedisQueues(names, QueueLayout())
    first, _ = await queues.read(client, unmarked)
    assert len(first.looked_at) == len(names), "at first it is not known that they are many"
    rounds = [(await queues.read(client, marks_of(first)))[0] for _ in range(3)]
    assert sorted(name for reading in rounds for name in reading.looked_at) == sorted(names)
    assert all(found.arrived == 0 for reading in rounds for found in reading.lists)
    assert all(sum(reading.depths.values()) == len(names) for reading in rounds)


async def test_keys_that_are_no_lists_and_names_too_long(client):
    await client.set("a", "text")
    await client.set("b\x06\x163", "text")
    await client.lpush("b", task())
    long = "x" * 2000
    reading, _ = await RedisQueues(["a", "b", "c", long], QueueLayout()).read(client, unmarked)
    assert reading.depths == {"c": 0}
    assert "holds something else" in reading.unreadable["a"]
    assert "holds something else" in reading.unreadable["b"]
    assert "longer than 1024 bytes" in reading.unreadable[long]


async def test_names_that_lua_or_json_could_trip_over(client):
    names = ['q"\\', "q\n", "warteschlange-ä", "キュー", "{tag}", "a:1"]
    for name in names:
        await client.lpush(name, task())
    reading, _ = await RedisQueues(names, QueueLayout()).read(client, unmarked)
    assert reading.depths == dict.fromkeys(names, 1)
    again, _ = await RedisQueues(names, QueueLayout()).read(client, marks_of(reading))
    assert [found.arrived for found in again.lists] == [0] * len(names)


async def test_no_queue_at_all(client):
    reading, rest = await RedisQueues([], QueueLayout()).read(client, unmarked, [("PING",)])
    assert (reading.depths, len(rest)) == ({}, 1)


async def test_the_script_is_loaded_again_after_a_flush(client):
    queues = RedisQueues(["a"], QueueLayout())
    await queues.read(client, unmarked)
    await client.script_flush()
    await client.lpush("a", task())
    reading, _ = await queues.read(client, unmarked)
    assert reading.depths == {"a": 1}
    assert reading.lists


@pytest.mark.parametrize("denied", ["evalsha", "eval"])
async def test_without_scripts_it_counts(denied):
    options = ["--rename-command", denied.upper(), ""]
    async with valkey(options=options) as server, server.client() as client:
        await client.lpush("a", task())
        await client.lpush("a\x06\x166", task())
        await client.set("b", "text")
        queues = RedisQueues(["a", "b", "c"], QueueLayout())
        for _ in range(READS_WITHOUT_SCRIPTS + 2):
            reading, rest = await queues.read(client, unmarked, [("LLEN", "a")])
            assert reading.depths == {"a": 2, "c": 0}
            assert list(reading.unreadable) == ["b"]
            assert not reading.looked_at
            assert rest == [1]


async def test_an_error_of_the_script_itself_is_raised(client):
    queues = RedisQueues(["a"], QueueLayout(priority_steps=()))
    with pytest.raises(ResponseError, match="nil"):
        await queues.read(client, unmarked)

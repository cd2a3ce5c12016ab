"""Remote control over real Valkey, with workers that misbehave as no real one can be made to."""

import asyncio
import base64
import contextlib
import json

import pytest

from autoscaler.clients.celery.over_redis import RedisRemoteControl
from autoscaler.clients.celery.question import CeleryNames
from autoscaler.clients.celery.remote import WorkerEvent, WorkerEventKind
from autoscaler.clients.redis.connection import RedisConnection, RedisOptions
from autoscaler.errors import ControlError
from autoscaler.secret import Secret
from tests.clients.messages import envelope
from tests.servers import eventually, valkey

NAMES = CeleryNames(prefix="app:")


@contextlib.asynccontextmanager
async def remote_control(server, url=None):
    connection = RedisConnection(RedisOptions(url=Secret(url or server.url)), 1.0)
    remote = RedisRemoteControl(connection, NAMES)
    try:
        yield remote
    finally:
        await remote.aclose()


@contextlib.asynccontextmanager
async def workers(server, *answers):
    """One subscriber; for each of its `answers`, a function of the question, a reply or None."""
    async with server.client() as client, client.pubsub() as channel, asyncio.TaskGroup() as tasks:
        await channel.subscribe("app:/0.celery.pidbox")
        await channel.get_message(timeout=1)
        serving = tasks.create_task(_serve(client, channel, answers))
        yield
        serving.cancel()


async def _serve(client, channel, answers):
    async for message in channel.listen():
        question = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
        to = question["reply_to"]
        key = f"app:{to['routing_key']}.{to['exchange']}"
        members = await client.smembers(f"app:_kombu.binding.{to['exchange']}")
        assert any(to["routing_key"].encode() in member for member in members)
        for answer in answers:
            made = await answer(question)
            if made is not None:
                await client.lpush(key, made)


def says(body, after=0.0, **more):
    async def answer(question):
        await asyncio.sleep(after)
        return envelope(body, headers={"ticket": question["ticket"]}, **more)

    return answer


def clock():
    return asyncio.get_running_loop().time()


async def test_no_worker_answers_at_once():
    async with valkey() as server, remote_control(server) as remote:
        began = clock()
        assert await remote.call("ping") == {}
        assert await remote.call("ping", destination=["a@h"], timeout_seconds=5.0) == {}
        assert await remote.call("ping", destination=[]) == {}
        assert clock() - began < 1.0


async def test_a_question_to_all_and_to_one():
    async with (
        valkey() as server,
        remote_control(server) as remote,
        workers(server, says({"a@h": 1})),
    ):
        assert await remote.call("ping") == {"a@h": 1}
        assert await remote.call("ping", {"x": 1}, destination=["a@h"]) == {"a@h": 1}
        assert await remote.call("ping", destination=["b@h"], timeout_seconds=0.1) == {}


async def test_silence_lasts_as_long_as_the_patience():
    async with valkey() as server, remote_control(server) as remote, workers(server):
        began = clock()
        assert await remote.call("ping", timeout_seconds=0.3) == {}
        assert 0.3 <= clock() - began < 1.0


async def test_it_does_not_wait_for_those_not_expected():
    async with (
        valkey() as server,
        remote_control(server) as remote,
        workers(server, says({"a@h": 1})),
        workers(server),
    ):
        began = clock()
        assert await remote.call("ping", expected=["a@h"], timeout_seconds=5) == {"a@h": 1}
        assert clock() - began < 1.0


async def test_an_unexpected_worker_is_heard_as_well():
    async with (
        valkey() as server,
        remote_control(server) as remote,
        workers(server, says({"a@h": 1})),
        workers(server, says({"new@h": 2})),
        workers(server),
    ):
        answers = await remote.call("ping", expected=["a@h"], timeout_seconds=5)
        assert answers == {"a@h": 1, "new@h": 2}


async def test_a_late_answer_is_not_mistaken_for_another():
    async with valkey() as server, remote_control(server) as remote:
        async with workers(server, says({"a@h": "late"}, after=0.3)):
            assert await remote.call("ping", timeout_seconds=0.1) == {}
            await asyncio.sleep(0.3)
        async with workers(server, says({"b@h": "now"})):
            assert await remote.call("ping", timeout_seconds=0.5) == {"b@h": "now"}


async def test_questions_at_the_same_time():
    async with valkey() as server, remote_control(server) as remote:
        async with workers(server, says({"a@h": 1})):
            answers = await asyncio.gather(*(remote.call("ping") for _ in range(20)))
            assert answers == [{"a@h": 1}] * 20
        async with server.client() as client:
            members = await client.smembers("app:_kombu.binding.reply.celery.pidbox")
            assert 1 <= len(members) <= 20


async def test_many_answers_to_one_question():
    async with valkey() as server, remote_control(server) as remote:
        replies = [says({f"w{number}@h": number}) for number in range(300)]
        async with workers(server, *replies):
            wanted = [f"w{number}@h" for number in range(300)]
            answers = await remote.call("ping", destination=wanted, timeout_seconds=5)
            assert len(answers) == 300


async def test_two_workers_under_one_name():
    async with valkey() as server, remote_control(server) as remote:
        assert remote.duplicates == frozenset()
        async with workers(server, says({"a@h": 1})), workers(server, says({"a@h": 2})):
            assert (await remote.call("ping")).keys() == {"a@h"}
        assert remote.duplicates == {"a@h"}


async def test_answers_in_pickle_are_an_error_that_says_what_to_do():
    async with valkey() as server, remote_control(server) as remote:
        pickled = says({"a@h": 1}, kind="application/x-python-serialize")
        async with workers(server, pickled):
            with pytest.raises(ControlError, match="set task_serializer = 'json'"):
                await remote.call("ping")


async def test_the_broker_is_left_as_it_was():
    async with valkey() as server:
        async with remote_control(server) as remote, workers(server, says({"a@h": 1})):
            await remote.call("ping")
            async with server.client() as client:
                assert await client.keys("*") == [b"app:_kombu.binding.reply.celery.pidbox"]
        async with server.client() as client:
            assert await client.keys("*") == []


async def test_no_place_is_kept_for_answers_that_come_too_late():
    async with (
        valkey() as server,
        server.client() as client,
        remote_control(server) as remote,
        workers(server),
    ):
        await remote.call("ping", timeout_seconds=0.05)
        assert await client.keys("*") == [], "so the workers drop them"


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [("maxmemory", "1mb", "out of memory"), ("min-replicas-to-write", "3", "NOREPLICAS")],
)
async def test_a_broker_that_refuses_writes(setting, value, said):
    async with valkey() as server, server.client() as client, remote_control(server) as remote:
        await client.config_set(setting, value)
        with pytest.raises(ControlError, match=said):
            await remote.call("ping")
        await client.config_set(setting, "0")
        assert await remote.call("ping") == {}


async def test_a_read_only_replica():
    async with valkey() as server, valkey() as replica, remote_control(replica) as remote:
        async with replica.client() as client:
            await client.replicaof("127.0.0.1", server.port)
        with pytest.raises(ControlError, match="is a read-only replica"):
            await remote.call("ping")


async def test_an_acl_without_the_channel():
    async with valkey() as server, server.client() as client:
        rules = ["reset", "on", ">pw", "~*", "+@all", "resetchannels"]
        await client.execute_command("ACL", "SETUSER", "joe", *rules)
        url = f"redis://joe:pw@127.0.0.1:{server.port}/0"
        async with remote_control(server, url) as remote:
            with pytest.raises(ControlError, match="forbids this user to access a channel"):
                await remote.call("ping")
            with pytest.raises(ControlError, match="forbids this user to access a channel"):
                await anext(aiter(remote.events()))


async def test_a_broker_that_dies_and_returns():
    async with valkey() as server, remote_control(server) as remote:
        assert await remote.call("ping") == {}
        await server.kill()
        with pytest.raises(ControlError, match="cannot be reached"):
            await remote.call("ping")
        await server.start()
        assert await remote.call("ping") == {}


async def test_a_broker_that_dies_while_answers_are_awaited():
    async with valkey() as server, remote_control(server) as remote:
        with contextlib.suppress(ExceptionGroup):
            async with workers(server), asyncio.TaskGroup() as tasks:
                asked = tasks.create_task(remote.call("ping", timeout_seconds=20))
                await asyncio.sleep(0.2)
                await server.kill()
        with pytest.raises(ControlError, match="cannot be reached"):
            await asked


class TestEvents:
    def event(self, **body):
        return envelope({"hostname": "a@h", "type": "worker-heartbeat", **body}, headers={})

    async def test_events_of_workers_and_nothing_else(self):
        async with valkey() as server, server.client() as client, remote_control(server) as remote:
            events = remote.events()
            first = asyncio.ensure_future(anext(events))
            await eventually(lambda: self.published(client, self.event(active=1, pid=7)))
            assert await first == WorkerEvent(WorkerEventKind.HEARTBEAT, "a@h", active=1, pid=7)
            for noise in ("", "{", "[]", "5", '{"body": 5}', "x" * 70_000, self.event(type="x")):
                await self.published(client, noise)
            await client.publish("app:/0.celeryev/task.multi", self.event())
            await client.publish("app:/1.celeryev/worker.heartbeat", self.event())
            await self.published(client, self.event(type="worker-offline", active=-1))
            assert await anext(events) == WorkerEvent(WorkerEventKind.OFFLINE, "a@h")
            await events.aclose()

    async def test_a_flood_is_read_to_its_end(self):
        async with valkey() as server, server.client() as client, remote_control(server) as remote:
            events = remote.events()
            first = asyncio.ensure_future(anext(events))
            await eventually(lambda: self.published(client, self.event()))
            await first
            pipe = client.pipeline(transaction=False)
            for number in range(2_000):
                pipe.publish("app:/0.celeryev/worker.heartbeat", self.event(processed=number))
            await pipe.execute()
            async with asyncio.timeout(5):
                while (await anext(events)).processed != 1_999:
                    pass
            await events.aclose()

    async def test_the_end_of_the_connection_is_told(self):
        async with valkey() as server, remote_control(server) as remote:
            events = remote.events()
            waiting = asyncio.ensure_future(anext(events))
            async with server.client() as client:
                await eventually(client.pubsub_numpat)
            await server.kill()
            with pytest.raises(ControlError, match="cannot be reached"):
                await waiting

    async def test_a_dead_connection_is_found_out(self, monkeypatch):
        monkeypatch.setattr("autoscaler.clients.celery.events.PING_AFTER_SECONDS", 0.2)
        async with valkey() as server, server.client() as client, remote_control(server) as remote:
            events = remote.events()
            waiting = asyncio.ensure_future(anext(events))
            await eventually(client.pubsub_numpat)
            await asyncio.sleep(0.5)
            assert not waiting.done(), "a live server answers the PING"
            server.pause()
            with pytest.raises(ControlError, match="did not answer in time"):
                await waiting
            server.resume()

    async def published(self, client, text):
        return await client.publish("app:/0.celeryev/worker.heartbeat", text)

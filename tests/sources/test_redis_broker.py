"""Source `redis_broker` against real Valkey: what it tells, and every fault a broker can have."""

import asyncio
import contextlib
import time

import pytest
from pydantic import ValidationError
from redis.exceptions import RedisError

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import Fleet
from autoscaler.secret import Secret
from autoscaler.sources.redis_broker import RedisBroker, RedisBrokerOptions
from tests.celery_app import app
from tests.clients.messages import task
from tests.servers import CERTIFICATE, eventually, free_port, sentinel, tls_front, valkey

NOW = 1e9
CONTEXT = Context("broker", fleets=(Fleet("all", queues=("default", "high")),))


def options(url, **more):
    return RedisBrokerOptions(url=Secret(url), timeout_seconds=1.0, **more)


@contextlib.asynccontextmanager
async def broker(url, context=CONTEXT, **more):
    source = RedisBroker(options(url, **more), context)
    try:
        yield source
    finally:
        await source.aclose()
        await source.aclose()


async def refused(source):
    with pytest.raises(SourceError) as raised:
        await source.read(NOW)
    return str(raised.value)


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


class TestFaults:
    async def test_a_server_that_is_down_and_comes_back(self):
        async with valkey(persist=True) as server, broker(server.url) as source:
            async with server.client() as client:
                await client.lpush("default", task())
                await client.waitaof(1, 0, 5_000)
            await source.read(NOW)
            await server.kill()
            said = await refused(source)
            assert "cannot be reached (Connection refused): is it running" in said
            await server.start()
            assert (await source.read(NOW)).queues["default"].waiting == 1

    async def test_a_restart_between_two_reads_is_not_noticed(self):
        async with valkey(persist=True) as server, broker(server.url) as source:
            await source.read(NOW)
            await server.restart()
            assert (await source.read(NOW)).queues["default"].waiting == 0

    async def test_passwords_wrong_missing_and_too_many(self):
        async with valkey(password="right") as server:
            for url, said in (
                (f"redis://:sesame@127.0.0.1:{server.port}", "user or password is wrong"),
                (f"redis://127.0.0.1:{server.port}", "wants a password"),
            ):
                async with broker(url) as source:
                    message = await refused(source)
                    assert said in message
                    assert "sesame" not in message
        async with valkey() as server, broker(f"redis://:x@127.0.0.1:{server.port}") as source:
            assert "has no password: take the one in `url` out" in await refused(source)

    async def test_a_rotated_password_is_read_anew(self, tmp_path):
        async with valkey(password="old") as server, server.client() as client:
            file = tmp_path / "url"
            file.write_text(server.url)
            source = RedisBroker(RedisBrokerOptions(url={"file": str(file)}), CONTEXT)
            await source.read(NOW)
            await client.config_set("requirepass", "new")
            await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            assert "user or password is wrong" in await refused(source)
            file.write_text(server.url.replace("old", "new"))
            assert (await source.read(NOW)).queues["default"].waiting == 0
            file.unlink()
            await source.aclose()
            assert "is not a regular file" in await refused(source)

    async def test_a_database_that_is_not_there_and_one_nobody_uses(self):
        async with valkey() as server, server.client() as client:
            async with broker(server.database(99)) as source:
                assert "no database of this number" in await refused(source)
            await client.lpush("default", task())
            async with broker(server.database(1)) as source:
                said = await refused(source)
                assert "nothing was ever queued in db1, but db0 is in use" in said
                async with server.client(1) as other:
                    await other.lpush("default", task())
                assert (await source.read(NOW)).queues["default"].waiting == 1

    async def test_tls_and_its_mismatches(self):
        async with valkey() as server, tls_front(server.port) as port:
            secure = f"rediss://127.0.0.1:{port}/0"
            async with broker(f"{secure}?ssl_ca_certs={CERTIFICATE}") as source:
                assert (await source.read(NOW)).queues["default"].waiting == 0
            for url, said in (
                (f"redis://127.0.0.1:{port}/0", "If it has TLS, write rediss://"),
                (f"rediss://127.0.0.1:{server.port}/0", "if it has no TLS, write redis://"),
                (secure, "certificate does not verify (self-signed certificate)"),
                (f"{secure}?ssl_ca_certs=/nowhere.pem", "No such file or directory"),
            ):
                async with broker(url) as source:
                    assert said in await refused(source)

    async def test_a_frozen_server_and_its_recovery(self):
        async with valkey() as server, server.client() as client, broker(server.url) as source:
            await source.read(NOW)
            server.pause()
            began = time.monotonic()  # noqa: TID251 - how long the real thing took
            assert "did not answer in time" in await refused(source)
            assert time.monotonic() - began < 2.5  # noqa: TID251
            server.resume()
            await client.lpush("default", task())
            for _ in range(3):
                assert (await source.read(NOW)).queues["default"].waiting == 1

    async def test_a_cancelled_read_does_not_garble_the_next(self):
        async with valkey() as server, server.client() as client, broker(server.url) as source:
            await client.lpush("default", task())
            await source.read(NOW)
            for delay in (0.0, 0.0005, 0.001, 0.002, 0.005):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await source.read(NOW)
                assert (await source.read(NOW)).queues["default"].waiting == 1

    async def test_a_replica_is_not_the_truth(self):
        async with (
            valkey() as server,
            valkey() as replica,
            replica.client() as client,
            broker(replica.url) as source,
        ):
            await client.replicaof("127.0.0.1", server.port)
            assert "is a read-only replica, whose copy may be old" in await refused(source)
            await client.config_set("replica-serve-stale-data", "no")
            await server.kill()
            await eventually(lambda: lost_primary(client))
            assert "replica" in await refused(source)
            await client.replicaof("NO", "ONE")
            assert (await source.read(NOW)).queues["default"].waiting == 0

    async def test_a_server_that_loads_its_data(self):
        slowly = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"]
        async with valkey(options=slowly) as server, broker(server.url) as source:
            async with server.client() as client:
                await client.mset({f"key-{number}": number for number in range(3_000)})
                await client.save()
            await server.kill()
            await server.launch()
            said = await eventually(lambda: loading(source))
            assert "it is loading its data set: wait until that is done" in said

    async def test_a_full_server_is_read_all_the_same(self):
        async with valkey() as server, server.client() as client, broker(server.url) as source:
            await client.lpush("default", task())
            await client.config_set("maxmemory", "1mb")
            assert (await source.read(NOW)).queues["default"].waiting == 1

    async def test_a_server_that_cannot_save_is_read_all_the_same(self):
        async with valkey() as server, server.client() as client, broker(server.url) as source:
            await misconfigured(client, server)
            assert (await source.read(NOW)).queues["default"].waiting == 0

    async def test_an_acl_that_denies_a_command_or_a_key(self):
        async with valkey() as server, server.client() as client:
            await client.lpush("default", task())

            async def allow(*rules):
                await client.execute_command("ACL", "SETUSER", "joe", "reset", "on", ">pw", *rules)

            async with broker(f"redis://joe:pw@127.0.0.1:{server.port}/0") as source:
                await allow("~*", "+@all", "-evalsha", "-info")
                state = await source.read(NOW)
                assert state.queues["default"].waiting == 1
                assert state.queues["default"].oldest_age_seconds is None
                await allow("~*", "+@all", "-llen")
                assert "forbids this user to run the 'llen' command" in await refused(source)
            async with broker(f"redis://joe:pw@127.0.0.1:{server.port}/0") as source:
                await allow("~default*", "~unacked*", "+@all")
                state = await source.read(NOW)
                assert state.queues["default"].waiting == 1
                assert "forbids this user to access" in state.unreadable["high"]
                await allow("~*", "+@all", "-hlen")
                state = await source.read(NOW)
                assert state.unacked_tasks is None
                assert "'hlen' command" in state.unreadable["unacked"]


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


async def promoted(client):
    async def primary():
        with contextlib.suppress(RedisError):
            return (await client.info("replication"))["role"] == "master"

    return await eventually(primary, "failover", timeout_seconds=20)


async def read_or_none(source):
    with contextlib.suppress(SourceError):
        return await source.read(NOW)


async def lost_primary(client):
    return (await client.info("replication"))["master_link_status"] == "down"


async def loading(source):
    try:
        await source.read(NOW)
    except SourceError as error:
        return str(error) if "loading" in str(error) else None


async def misconfigured(client, server):
    """Make every save fail, and let one fail."""
    await client.config_set("stop-writes-on-bgsave-error", "yes")
    await client.config_set("save", "3600 1")
    (server.directory / "dump.rdb").mkdir()
    await client.set("key", "value")
    await client.bgsave()

    async def failed():
        return (await client.info("persistence"))["rdb_last_bgsave_status"] == "err"

    await eventually(failed)

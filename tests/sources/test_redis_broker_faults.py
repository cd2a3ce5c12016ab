"""Every fault that a broker can have, and its recovery."""

import asyncio
import contextlib
import time

from autoscaler.errors import SourceError
from autoscaler.sources.redis_broker import RedisBroker, RedisBrokerOptions
from tests.clients.messages import task
from tests.servers import CERTIFICATE, eventually, tls_front, valkey
from tests.sources.redis_scene import CONTEXT, NOW, broker, refused


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

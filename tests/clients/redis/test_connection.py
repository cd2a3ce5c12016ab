"""The connection to a Redis broker: how it opens, fails and heals."""

import pytest
from redis.exceptions import DataError, ResponseError

from autoscaler.clients.redis.connection import RedisConnection, RedisOptions
from autoscaler.errors import ControlError, SourceError
from autoscaler.secret import Secret
from tests.servers import free_port, sentinel, valkey


def connection(url, **more):
    return RedisConnection(RedisOptions(url=Secret(url), **more), 1.0)


async def test_commands_and_the_caller_s_own_errors():
    async with valkey() as server:
        broker = connection(server.url)
        async with broker.use(SourceError) as client:
            assert await client.ping()
            assert str(broker.address) == server.url
        with pytest.raises(KeyError):
            async with broker.use(SourceError):
                raise KeyError("a bug")
        await broker.aclose()
        await broker.aclose()


@pytest.mark.parametrize("failure", [SourceError, ControlError])
async def test_failures_are_of_the_kind_that_is_asked_for(failure):
    broker = connection(f"redis://joe:sesame@127.0.0.1:{free_port()}/0")
    with pytest.raises(failure, match="cannot be reached") as raised:
        async with broker.use(failure) as client:
            await client.ping()
    assert "sesame" not in str(raised.value)


async def test_an_error_reply_keeps_the_connection():
    async with valkey() as server:
        broker = connection(server.url)
        async with broker.use(SourceError) as client:
            await client.set("key", "text")
        with pytest.raises(SourceError, match="holds something else"):
            async with broker.use(SourceError) as same:
                await same.llen("key")
        assert same is client
        for error in (ResponseError("ERR odd"), DataError("odd")):
            with pytest.raises(SourceError, match="odd"):
                async with broker.use(SourceError):
                    raise error
        await broker.aclose()


async def test_the_time_for_one_exchange_is_limited():
    async with valkey() as server:
        broker = connection(server.url)
        with pytest.raises(SourceError, match="did not answer in time"):
            async with broker.use(SourceError, 0.1) as client:
                await client.blpop(["nothing"])
        async with broker.use(SourceError) as client:
            assert await client.ping()
        await broker.aclose()


@pytest.mark.parametrize(
    ("query", "more", "said"),
    [
        ("", {"sentinel_password": "sesame"}, "see `sentinel_password`"),
        ("?ssl_cert_reqs=none", {}, "did not answer in time"),
    ],
)
async def test_what_sentinels_are_told_is_their_own(query, more, said):
    async with valkey() as primary, sentinel(primary) as watcher:
        broker = connection(f"sentinel://127.0.0.1:{watcher.port}/0{query}", **more)
        with pytest.raises(SourceError, match=said):
            async with broker.use(SourceError) as client:
                await client.ping()
        await broker.aclose()

"""A lease in Redis: where it is, and what is said when it cannot be had."""

import pytest
from pydantic import ValidationError

from autoscaler.errors import LeaseError
from autoscaler.leader.lease import Found, Lease
from autoscaler.leader.redis import RedisElectionOptions
from tests.leader.stores import on_valkey
from tests.servers import eventually, valkey

LEASE = Lease("host_1_abc", 7, 1_800_000_000_000_000, 15.0)


@pytest.fixture
async def server():
    async with valkey() as made:
        yield made


@pytest.fixture
async def scene(tmp_path, server):
    async with on_valkey(tmp_path, server) as made:
        yield made


async def test_the_key_stays_for_good_and_can_be_read_by_people(scene, server):
    await scene.store().replace(Found(), LEASE)
    async with server.client() as client:
        assert await client.keys() == [b"autoscaler:lease:autoscaler"]
        assert await client.ttl("autoscaler:lease:autoscaler") == -1
        text = await client.get("autoscaler:lease:autoscaler")
    assert b'"holder":"host_1_abc"' in text


@pytest.mark.parametrize("text", ["{}", "\xff\xfe", "[1"])
async def test_something_else_in_its_place_is_told(scene, server, text):
    async with server.client() as client:
        await client.set("autoscaler:lease:autoscaler", text)
    with pytest.raises(LeaseError, match="choose another `name`"):
        await scene.store().read()


async def test_a_server_that_is_gone_frozen_or_back(scene, server):
    store = scene.store()
    await store.replace(Found(), LEASE)
    server.pause()
    with pytest.raises(LeaseError, match="did not answer in time"):
        await store.read()
    server.resume()
    assert (await store.read()).lease == LEASE
    await server.stop()
    with pytest.raises(LeaseError, match="cannot be reached"):
        await store.replace(Found(), LEASE)
    await server.start()
    assert await eventually(store.read) == Found(), "it lost the lease"


def test_the_broker_is_where_it_is_kept_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://broker:6379/1")
    assert RedisElectionOptions().url.reveal() == "redis://broker:6379/1"
    monkeypatch.delenv("AUTOSCALER_BROKER_URL")
    with pytest.raises(ValidationError, match="AUTOSCALER_BROKER_URL is not set"):
        RedisElectionOptions()

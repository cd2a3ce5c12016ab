"""A lease in PostgreSQL: its table, its rights, PgBouncer, and what is said when it fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import ValidationError

from autoscaler.errors import LeaseError
from autoscaler.leader.lease import Found, Lease
from autoscaler.leader.postgresql import PostgresqlElectionOptions
from tests.leader.stores import on_postgres
from tests.pgbouncer import pgbouncer
from tests.postgres import postgres_server
from tests.servers import free_port

LEASE = Lease("host_1_abc", 7, 1_800_000_000_000_000, 15.0)


@pytest.fixture
async def scene(tmp_path, postgres):
    async with on_postgres(tmp_path, postgres) as made:
        yield made


def database_of(scene):
    return scene.config["url"].rpartition("/")[2]


async def test_the_table_is_made_and_may_be_another_one(scene, postgres):
    database = database_of(scene)
    postgres.execute("CREATE SCHEMA ours", database)
    await scene.store().replace(Found(), LEASE)
    await scene.store(table="ours.lease").replace(Found(), replace(LEASE, holder="other"))
    assert "host_1_abc" in postgres.execute("SELECT lease FROM autoscaler_lease", database)
    assert "other" in postgres.execute("SELECT lease FROM ours.lease", database)


async def test_a_user_who_may_not_make_the_table_may_use_it(scene, postgres):
    database = database_of(scene)
    postgres.execute("DROP ROLE IF EXISTS leaser; CREATE ROLE leaser LOGIN PASSWORD 'x'", database)
    url = scene.config["url"].replace("//airflow:pg-password-never-shown@", "//leaser:x@")
    store = scene.store(url=url)
    with pytest.raises(LeaseError, match="may not use the table") as caught:
        await store.read()
    assert ":x@" not in str(caught.value)
    postgres.execute(
        "CREATE TABLE autoscaler_lease (name text PRIMARY KEY, lease text NOT NULL);"
        "GRANT SELECT, INSERT, UPDATE ON autoscaler_lease TO leaser",
        database,
    )
    first = await store.replace(Found(), LEASE)
    assert await store.replace(first, replace(LEASE, holder="")) == await store.read()


async def test_a_table_that_somebody_drops_is_made_anew(scene, postgres):
    store = scene.store()
    await store.replace(Found(), LEASE)
    postgres.execute("DROP TABLE autoscaler_lease", database_of(scene))
    assert await store.read() == Found()


async def test_a_read_only_server_is_told(scene, postgres):
    database = database_of(scene)
    await scene.store().replace(Found(), LEASE)
    postgres.execute(
        f"ALTER DATABASE {database} SET default_transaction_read_only = on", "postgres"
    )
    with pytest.raises(LeaseError, match="read-only: point"):
        await scene.store().replace(Found(LEASE, "x"), LEASE)


async def test_a_server_that_is_gone_frozen_or_back(tmp_path):
    with postgres_server() as server:
        async with on_postgres(tmp_path, server) as scene:
            store = scene.store()
            await store.replace(Found(), LEASE)
            server.pause()
            async with asyncio.timeout(3):
                with pytest.raises(LeaseError, match=r"postgresql://127\.0\.0\.1"):
                    await store.read()
            server.resume()
            assert (await store.read()).lease == LEASE
            server.stop()
            for _ in range(2):
                with pytest.raises(
                    LeaseError, match=r"the connection to it broke|cannot be reached"
                ):
                    await store.read()
            server.start()
            assert (await store.read()).lease == LEASE


async def test_an_address_that_cannot_be_used_later_is_told(scene, monkeypatch):
    monkeypatch.setenv("LEASE_URL", scene.config["url"])
    store = scene.store(url={"env": "LEASE_URL"})
    monkeypatch.delenv("LEASE_URL")
    with pytest.raises(LeaseError, match="LEASE_URL is not set"):
        await store.read()


@pytest.mark.parametrize("url", ["mysql://u@h/db", "postgresql://h:1", "nonsense"])
def test_only_postgresql_will_do(url):
    with pytest.raises(ValidationError):
        PostgresqlElectionOptions(url=url)


async def test_nobody_listens(scene):
    url = f"postgresql://127.0.0.1:{free_port()}/x"
    with pytest.raises(LeaseError, match="cannot be reached"):
        await scene.store(url=url).read()


@pytest.mark.full
async def test_through_pgbouncer_with_others_about(scene, postgres):
    async with pgbouncer(postgres) as bouncer:
        url = bouncer.through(scene.config["url"])
        stores = [scene.store(url=url) for _ in range(6)]
        await stores[0].read()

        async def count_up(store):
            done = 0
            for _ in range(40):
                found = await store.read()
                lease = found.lease or replace(LEASE, term=0)
                done += bool(await store.replace(found, replace(lease, term=lease.term + 1)))
            return done

        counted = sum(await asyncio.gather(*map(count_up, stores)))
        assert (await stores[0].read()).lease.term == counted > 0

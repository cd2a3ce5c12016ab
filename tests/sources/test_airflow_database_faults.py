"""Source `airflow_database` and every fault that a metadata database can have."""

import asyncio
import contextlib

import pytest
from pydantic import ValidationError

from autoscaler.clients.airflow import queries
from autoscaler.sources.airflow_database import AirflowDatabaseOptions
from tests.airflow_tables import Airflow
from tests.postgres import PASSWORD, postgres_server
from tests.servers import free_port
from tests.sources.airflow_scene import DEFAULT, NOW, airflow_on, reading, refused


@pytest.fixture
async def airflow(postgres):
    async with airflow_on(postgres) as made:
        yield made


@pytest.fixture(scope="module")
def fragile():
    """A server that tests may stop and pause."""
    with postgres_server() as server:
        yield server


@contextlib.asynccontextmanager
async def watched(server, **options):
    """An Airflow with one queued task, its source, and the source read once."""
    async with airflow_on(server) as airflow, reading(airflow.url, **options) as source:
        await airflow.tasks("queued")
        await source.read(NOW)
        yield airflow, source


async def queued(source):
    return (await source.read(NOW)).queues[DEFAULT].queued


def clock():
    return asyncio.get_running_loop().time()


async def test_a_wrong_password(airflow):
    async with reading(airflow.url.replace(PASSWORD, "not-this-one")) as source:
        why = await refused(source)
    assert "the user or password is wrong" in why
    assert "not-this-one" not in why
    assert "airflow:" not in why


async def test_a_database_that_is_not_there(airflow):
    async with reading(airflow.url + "_not") as source:
        assert "no database of this name" in await refused(source)


async def test_nobody_listens(airflow):
    port = free_port()
    async with reading(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/airflow") as source:
        why = await refused(source)
    assert why.startswith(f"postgresql://127.0.0.1:{port}/airflow: it cannot be reached")
    assert "Connection refused" in why
    assert PASSWORD not in why


async def test_an_address_that_is_no_more(airflow, monkeypatch):
    monkeypatch.setenv("AIRFLOW_URL", airflow.url)
    async with reading({"env": "AIRFLOW_URL"}) as source:
        monkeypatch.delenv("AIRFLOW_URL")
        assert "AIRFLOW_URL is not set" in await refused(source)
        monkeypatch.setenv("AIRFLOW_URL", airflow.url)
        assert (await source.read(NOW)).version == "3.3", "read anew after every failure"


@pytest.mark.parametrize("url", ["sqlite:////airflow.db", "not a url", "postgresql://host"])
def test_an_address_that_cannot_be_one(url):
    with pytest.raises(ValidationError) as raised:
        AirflowDatabaseOptions.model_validate({"url": url})
    assert "postgresql://user:password@host:5432/airflow" in str(raised.value)


async def test_a_database_without_airflow(postgres):
    async with reading(postgres.url(postgres.new_database())) as source:
        assert "holds no table of Airflow" in await refused(source)


async def test_an_airflow_that_is_not_known(airflow):
    await airflow.execute("ALTER TABLE task_instance RENAME COLUMN queue TO lane")
    await airflow.execute("DROP TABLE slot_pool")
    async with reading(airflow.url) as source:
        why = await refused(source)
    named = "slot_pool.include_deferred, slot_pool.pool, slot_pool.slots, task_instance.queue."
    assert f"not there, or not readable by this user: {named} Known are" in why
    assert "2.11 and 3.0 to 3.3" in why


async def test_a_migration_under_way_is_noticed_and_its_end(airflow):
    async with reading(airflow.url) as source:
        await source.read(NOW)
        await airflow.execute("ALTER TABLE task_instance RENAME COLUMN hostname TO host")
        assert "its tables have changed" in await refused(source)
        assert "task_instance.hostname" in await refused(source)
        await airflow.execute("ALTER TABLE task_instance RENAME COLUMN host TO hostname")
        assert (await source.read(NOW)).version == "3.3"


async def test_a_user_without_rights(airflow, postgres):
    database = airflow.url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS nosy; CREATE ROLE nosy LOGIN PASSWORD 'nosy-password'")
    url = airflow.url.replace(f"airflow:{PASSWORD}", "nosy:nosy-password")
    async with reading(url) as source:
        why = await refused(source)
        assert "config/airflow-grants-postgresql.sql" in why
        postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO nosy", database)
        await source.read(NOW)
        postgres.execute("REVOKE SELECT ON slot_pool FROM nosy", database)
        assert "may not read what it must: run config/airflow-grants" in await refused(source)


async def test_a_user_without_one_column(airflow, postgres):
    database = airflow.url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS blinkered; CREATE ROLE blinkered LOGIN PASSWORD 'p'")
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO blinkered; REVOKE SELECT ON job"
    postgres.execute(f"{grants} FROM blinkered; GRANT SELECT (state) ON job TO blinkered", database)
    async with reading(airflow.url.replace(f"airflow:{PASSWORD}", "blinkered:p")) as source:
        why = await refused(source)
    assert "by this user: job.hostname, job.id, job.job_type, job.latest_heartbeat. Known" in why


@pytest.mark.parametrize(
    ("head", "version"), [("1d6611b6ab7c", "3.2"), ("d2f4e1b3c5a7", "3.3"), ("newer", "3.x")]
)
async def test_a_user_without_rights_on_a_table_that_not_every_version_has(
    airflow, postgres, head, version
):
    """Its work would be taken for none."""
    await airflow.execute(f"UPDATE alembic_version SET version_num = '{head}'")
    database = airflow.url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS dated; CREATE ROLE dated LOGIN PASSWORD 'p'")
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO dated; REVOKE SELECT ON callback"
    postgres.execute(f"{grants} FROM dated", database)
    async with reading(airflow.url.replace(f"airflow:{PASSWORD}", "dated:p")) as source:
        why = await refused(source)
    postgres.execute("DROP OWNED BY dated; DROP ROLE dated", database)
    assert f"Airflow {version} has callback, which this user may not read: run config/air" in why


async def test_more_tasks_than_can_be_counted_in_every_tick(airflow, monkeypatch):
    monkeypatch.setattr(queries, "MAX_TASKS", 3)
    async with reading(airflow.url) as source:
        await airflow.tasks("running", 3)
        await airflow.tasks("scheduled", 50, "mapped")
        assert (await source.read(NOW)).queues[DEFAULT].running == 3
        await airflow.tasks("queued", task_id="one more")
        assert "more than 3 task instances" in await refused(source)


async def test_a_database_that_accepts_no_writes(fragile):
    async with watched(fragile) as (airflow, source):
        name = airflow.url.rpartition("/")[2]
        await airflow.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        async with reading(airflow.url) as newly:
            state = await newly.read(NOW)
        assert state.read_only
        assert state.queues[DEFAULT].queued == 1
        assert not (await source.read(NOW)).read_only, "as connections that are older may write"


async def test_a_stopped_database_and_its_return(fragile):
    async with watched(fragile) as (airflow, source):
        await airflow.close()
        fragile.stop()
        first = await refused(source)
        assert "starting up or shutting down" in first or "connection to it broke" in first
        assert "it cannot be reached" in await refused(source)
        fragile.start()
        assert await queued(source) == 1


async def test_a_frozen_database_takes_no_longer_than_the_timeout(fragile):
    async with watched(fragile, timeout_seconds=2.0) as (_, source):
        fragile.pause()
        try:
            for _ in range(2):  # over the connection that there is, and over a new one
                began = clock()
                assert "did not answer in time" in await refused(source)
                assert clock() - began < 4
        finally:
            fragile.resume()
        assert await queued(source) == 1


async def test_a_lock_on_a_table_takes_no_longer_than_the_timeout(airflow):
    async with reading(airflow.url, timeout_seconds=2.0) as source:
        await source.read(NOW)
        other = Airflow(airflow.url)
        async with other.locked("slot_pool"):
            began = clock()
            why = await refused(source)
            assert "a query took longer than timeout_seconds" in why or "in time" in why
            assert clock() - began < 4
        await other.close()
        assert (await source.read(NOW)).version == "3.3"


async def test_a_connection_that_somebody_ended(airflow, postgres):
    async with reading(airflow.url) as source:
        await source.read(NOW)
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{airflow.url.rpartition('/')[2]}' AND pid <> pg_backend_pid()"
        )
        why = await refused(source)
        assert "starting up or shutting down" in why or "broke" in why
        assert (await source.read(NOW)).version == "3.3"


async def test_too_many_connections(airflow, postgres):
    postgres.execute(
        "DROP ROLE IF EXISTS one; CREATE ROLE one LOGIN PASSWORD 'p' CONNECTION LIMIT 0"
    )
    async with reading(airflow.url.replace(f"airflow:{PASSWORD}", "one:p")) as source:
        assert "accepts no more connections" in await refused(source)


async def test_a_cancelled_read_leaves_nothing_behind(fragile):
    async with watched(fragile, timeout_seconds=5) as (_, source):
        fragile.pause()
        try:
            reads = asyncio.create_task(source.read(NOW))
            await asyncio.sleep(0.1)
            reads.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reads
        finally:
            fragile.resume()
        assert await queued(source) == 1

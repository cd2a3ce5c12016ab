"""Source `airflow_database`: how many connections the database's server has, and may have."""

import contextlib

import asyncpg
import pytest
from pymysql import connect
from sqlalchemy import make_url

from tests.airflow_tables import Airflow
from tests.mariadb import mariadb
from tests.pgbouncer import pgbouncer
from tests.postgres import postgres_server
from tests.servers import eventually
from tests.sources.airflow_scene import NOW, airflow_on, read, reading, refused


@contextlib.asynccontextmanager
async def connected(airflow, number):
    """So many connections more."""
    url = airflow.url.replace("postgresql+asyncpg", "postgresql")
    opened = [await asyncpg.connect(url) for _ in range(number)]
    try:
        yield
    finally:
        for one in opened:
            await one.close()


async def test_connections_are_counted_whoever_has_them_and_to_whatever_database(postgres, airflow):
    async with reading(airflow.url) as source, airflow_on(postgres) as other:
        before = (await source.read(NOW)).connections
        async with connected(airflow, 3), connected(other, 2):
            assert (await source.read(NOW)).connections == before + 5

        async def gone():
            return (await source.read(NOW)).connections == before

        await eventually(gone, "the server to forget those that have left")
    assert before >= 1


async def test_what_superusers_keep_for_themselves_is_not_to_be_had(postgres, airflow):
    most, kept, reserved = (
        int(postgres.execute(f"SELECT COALESCE(current_setting('{name}', true), '0')"))
        for name in ("max_connections", "superuser_reserved_connections", "reserved_connections")
    )
    assert (await read(airflow)).max_connections == most - kept - reserved


async def test_a_server_that_does_not_tell_is_no_fault_and_no_number(postgres, own_airflow):
    database = own_airflow.url.rpartition("/")[2]
    await own_airflow.tasks("queued")
    postgres.execute("REVOKE SELECT ON pg_stat_database FROM PUBLIC", database)
    postgres.execute("DROP ROLE IF EXISTS blind; CREATE ROLE blind LOGIN PASSWORD 'p'")
    try:
        postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO blind", database)
        url = make_url(own_airflow.url).set(username="blind", password="p")
        async with reading(url.render_as_string(hide_password=False)) as source:
            for _ in range(2):
                state = await source.read(NOW)
                assert (state.connections, len(state.tasks)) == (None, 1)
                assert state.max_connections is not None
    finally:
        postgres.execute("DROP OWNED BY blind; DROP ROLE blind", database)


@pytest.mark.full
async def test_through_pgbouncer_they_are_those_of_the_server(postgres):
    async with (
        airflow_on(postgres) as airflow,
        pgbouncer(postgres) as bouncer,
        reading(bouncer.through(airflow.url)) as source,
    ):
        before = await source.read(NOW)
        async with connected(airflow, 4):
            after = await source.read(NOW)
    assert after.connections == before.connections + 4
    assert after.max_connections == before.max_connections > 4


@pytest.mark.full
async def test_those_of_a_replica_are_not_those_that_airflow_uses():
    with postgres_server() as primary:
        async with airflow_on(primary) as airflow:
            with postgres_server(primary) as replica:
                url = airflow.url.replace(f":{primary.port}/", f":{replica.port}/")
                async with reading(url) as source:
                    tries = []

                    async def read_at_last():
                        await airflow.tasks("queued", task_id=f"t{len(tries)}")
                        tries.append(None)
                        return not await why_unread(source)

                    await eventually(read_at_last, "a first transaction on the replica")
                    state = await source.read(NOW)
    assert (state.connections, state.max_connections) == (None, None)


async def why_unread(source):
    """Why a source cannot be read now; nothing when it can."""
    with contextlib.suppress(pytest.fail.Exception):
        return await refused(source)
    return ""


@pytest.mark.full
async def test_on_mariadb():
    async with mariadb() as server:
        airflow = Airflow(server.url(server.new_database()))
        await airflow.create()
        await airflow.close()
        url = make_url(airflow.url)
        async with reading(airflow.url) as source:
            before = await source.read(NOW)
            others = [
                connect(host=url.host, port=url.port, user=url.username, password=url.password)
                for _ in range(3)
            ]
            after = await source.read(NOW)
            for one in others:
                one.close()
        assert after.connections == before.connections + 3
        assert after.max_connections == int(server.execute("SELECT @@global.max_connections"))

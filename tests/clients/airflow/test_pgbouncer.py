"""Through PgBouncer in transaction mode, where each transaction may meet another server process."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.errors import SourceError
from autoscaler.secret import Secret
from tests.pgbouncer import pgbouncer
from tests.servers import CERTIFICATE
from tests.sources.airflow_scene import DEFAULT, NOW, airflow_on, reading, refused

pytestmark = pytest.mark.full

PROCESS = text("SELECT pg_backend_pid()::text")
LEFT = text(
    "SELECT current_setting('application_name'), current_setting('statement_timeout'),"
    " current_setting('default_transaction_read_only'),"
    " (SELECT count(*) FROM pg_prepared_statements WHERE name <> '')"
)


@pytest.fixture
async def scene(postgres):
    async with airflow_on(postgres) as airflow, pgbouncer(postgres) as bouncer:
        await airflow.tasks("queued", 2)
        yield airflow, bouncer


async def test_every_read_succeeds_and_leaves_nothing_behind(scene):
    airflow, bouncer = scene
    url = bouncer.through(airflow.url)
    other = create_async_engine(url, connect_args={"statement_cache_size": 0})
    seen = set()

    async def crowd():
        """Somebody else, whose transactions take one of the two server processes or the other."""
        for _ in range(60):
            async with other.begin() as connection:
                await connection.execute(text("SELECT pg_sleep(0.01)"))
                left = (await connection.execute(LEFT)).one()
                seen.add(tuple(left)[1:])

    async def read(source):
        for _ in range(30):
            assert (await source.read(NOW)).queues[DEFAULT].queued == 2

    async with reading(url) as one, reading(url) as another:
        await asyncio.gather(crowd(), crowd(), read(one), read(another))
    await other.dispose()
    assert seen == {("0", "off", 0)}


async def test_one_connection_of_ours_uses_several_of_the_server(scene):
    airflow, bouncer = scene
    database = AirflowDatabase(Secret(bouncer.through(airflow.url)), timeout_seconds=5)
    blocker = create_async_engine(bouncer.through(airflow.url))
    processes = set()
    for _ in range(2):
        async with blocker.begin() as connection:
            processes.add((await connection.execute(PROCESS)).scalar_one())
            async with database.snapshot(SourceError) as snapshot:
                ((process,),) = await snapshot.rows(PROCESS)
                processes.add(process)
    assert len(processes) == 2
    await database.aclose()
    await blocker.dispose()


async def test_over_tls(scene):
    airflow, bouncer = scene
    url = bouncer.through(airflow.url, host="localhost")
    for query in ("sslmode=require", f"sslmode=verify-full&sslrootcert={CERTIFICATE}"):
        async with reading(f"{url}?{query}") as source:
            assert (await source.read(NOW)).version == "3.3"
    async with reading(f"{url}?sslmode=verify-full") as source:
        assert "TLS fails" in await refused(source)


async def test_it_freezes(scene):
    airflow, bouncer = scene
    async with reading(bouncer.through(airflow.url), timeout_seconds=2) as source:
        await source.read(NOW)
        bouncer.pause()
        assert "did not answer in time" in await refused(source)
        bouncer.resume()
        assert (await source.read(NOW)).version == "3.3"

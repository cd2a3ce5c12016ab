"""Source `airflow_database` on MariaDB: the same state as on PostgreSQL, and its own faults."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.dialects import mysql

from autoscaler.clients.airflow import history
from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.clients.airflow.history import History
from autoscaler.clients.airflow.state import Defaults
from autoscaler.errors import SourceError
from autoscaler.secret import Secret
from tests.airflow_tables import Airflow, ago
from tests.mariadb import PASSWORD, mariadb
from tests.sources.airflow_rows import comparable, fill
from tests.sources.airflow_scene import DEFAULT, NOW, around, read, reading, refused, scheduler

pytestmark = pytest.mark.full


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    async with mariadb() as running:
        yield running


@pytest.fixture
async def twin(server):
    """An Airflow 3 on MariaDB."""
    made = Airflow(server.url(server.new_database()))
    await made.create()
    yield made
    await made.close()


@pytest.mark.parametrize("seed", [0, 2])
async def test_the_same_rows_make_the_same_state(airflow, server, seed):
    other = Airflow(server.url(server.new_database()), airflow.major)
    await other.create()
    for each in (airflow, other):
        await fill(each, seed)
    mine, its = await read(airflow, parallelism=200), await read(other, parallelism=200)
    await other.close()
    assert len(mine.tasks) > 50
    assert sum(queue.admissible for queue in mine.queues.values()) > 0
    assert comparable(its) == comparable(mine)


@pytest.mark.parametrize("major", [2, 3])
async def test_history_is_read_by_keys_and_tells_the_same(server, major):
    twin = Airflow(server.url(server.new_database()), major)
    await twin.create()
    await fill(twin)
    await twin.dag("hourly", next_dagrun_create_after=ago(-600))
    await twin.ran("over", (ago(90), ago(80), ago(20)), dag_id="hourly")
    database, past = AirflowDatabase(Secret(twin.url), 5), History(Defaults())
    past.follow(await read(twin))
    async with database.snapshot(SourceError) as snapshot:
        runs = {run.dag_id: run for run in await past.read(snapshot, 5)}
        for statement in (
            history.state_of_run(snapshot.schema, ("hourly", "over")),
            history.last_runs(snapshot.schema, "hourly"),
            history.tasks_of(snapshot.schema, ("hourly", "over")),
        ):
            sql = statement.compile(dialect=mysql.dialect(), compile_kwargs={"literal_binds": True})
            [plan] = await snapshot.rows(text(f"EXPLAIN FORMAT=TRADITIONAL {sql}"))
            assert (plan.type in ("const", "ref", "range"), bool(plan.key)) == (True, True), plan
    await database.aclose()
    await twin.close()
    assert runs["hourly"].started_at == around(90)
    assert runs["hourly"].tasks[0].run_seconds == pytest.approx(60, abs=1)


async def test_times_are_in_utc_whatever_zone_the_server_is_in(twin):
    await twin.tasks("queued", queued_dttm=ago(30))
    await scheduler(twin, 5)
    state = await read(twin)
    assert state.queues[DEFAULT].oldest_queued_at == around(30)
    assert state.jobs[0].heartbeat_at == around(5)
    assert state.clock_skew_seconds == pytest.approx(ago(0) - NOW, abs=2)


async def test_a_run_without_a_date_comes_first(twin):
    await twin.dag("dated", date=ago(50))
    await twin.dag("undated", date=None)
    await twin.add("slot_pool", {"pool": "one", "slots": 1})
    for dag_id in ("dated", "undated"):
        await twin.tasks("scheduled", dag_id=dag_id, queue=dag_id, pool="one")
    queues = (await read(twin)).queues
    admitted = [queue for (queue, _), each in queues.items() if each.admissible]
    assert admitted == ["undated"]


@pytest.mark.parametrize("driver", ["mysql", "mysql+mysqldb", "mysql+pymysql", "mariadb"])
async def test_airflows_own_spellings(server, twin, driver):
    async with reading(twin.url.replace("mysql+aiomysql", driver) + "?charset=utf8") as source:
        assert (await source.read(NOW)).version == "3.3"


async def test_a_wrong_password(twin):
    async with reading(twin.url.replace(PASSWORD, "not-this-one")) as source:
        why = await refused(source)
    assert "the user or password is wrong" in why
    assert "not-this-one" not in why


async def test_a_database_that_is_not_there(twin):
    async with reading(twin.url + "_not") as source:
        assert "no database of this name" in await refused(source)


async def test_a_database_without_airflow(server):
    async with reading(server.url(server.new_database())) as source:
        assert "holds no table of Airflow" in await refused(source)


async def test_a_user_without_rights(server, twin):
    database = twin.url.rpartition("/")[2]
    nosy = "nosy@'127.0.0.1'"
    server.execute(f"CREATE OR REPLACE USER {nosy} IDENTIFIED BY 'p'")
    url = twin.url.replace(f"airflow:{PASSWORD}", "nosy:p")
    async with reading(url) as source:
        assert "config/airflow-grants-mysql.sql" in await refused(source)
    for table in twin.metadata.tables:
        server.execute(f"GRANT SELECT ON {database}.{table} TO {nosy}")
    async with reading(url) as source:
        await source.read(NOW)
        server.execute(f"REVOKE SELECT ON {database}.slot_pool FROM {nosy}")
        assert "may not read what it must: run config/airflow-grants" in await refused(source)
        assert "slot_pool.include_deferred" in await refused(source)


async def test_a_migration_under_way(twin):
    async with reading(twin.url) as source:
        await source.read(NOW)
        await twin.execute("ALTER TABLE task_instance RENAME COLUMN hostname TO host")
        assert "its tables have changed" in await refused(source)
        assert "task_instance.hostname" in await refused(source)


async def test_a_lock_takes_no_longer_than_the_timeout(twin):
    async with reading(twin.url, timeout_seconds=2) as source:
        await source.read(NOW)
        other = Airflow(twin.url)
        async with other.locked("slot_pool"):
            began = asyncio.get_running_loop().time()
            why = await refused(source)
            assert "a query took longer than timeout_seconds" in why or "in time" in why
            assert asyncio.get_running_loop().time() - began < 4
        await other.close()
        assert (await source.read(NOW)).version == "3.3"


async def test_a_server_that_accepts_no_writes(server, twin):
    server.execute("SET GLOBAL read_only = 1")
    try:
        assert (await read(twin)).read_only
    finally:
        server.execute("SET GLOBAL read_only = 0")
    assert not (await read(twin)).read_only


async def test_it_cannot_write(server, twin):
    async with reading(twin.url) as source:
        await source.read(NOW)
        server.execute("SET GLOBAL general_log = 1, GLOBAL log_output = 'TABLE'")
        await source.read(NOW)
        said = server.execute("SELECT argument FROM general_log WHERE command_type = 'Query'")
        server.execute("SET GLOBAL general_log = 0")
    assert "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY" in said


async def test_frozen_then_stopped_then_back():
    async with mariadb() as server:
        twin = Airflow(server.url(server.new_database()))
        await twin.create()
        await twin.tasks("queued")
        await twin.close()
        async with reading(twin.url, timeout_seconds=2) as source:
            await source.read(NOW)
            server.pause()
            for _ in range(2):  # over the connection that there is, and over a new one
                began = asyncio.get_running_loop().time()
                assert "did not answer in time" in await refused(source)
                assert asyncio.get_running_loop().time() - began < 4
            server.resume()
            assert (await source.read(NOW)).queues[DEFAULT].queued == 1
            await server.terminate()
            assert "broke" in await refused(source)
            assert "it cannot be reached" in await refused(source)
            await server.start()
            assert (await source.read(NOW)).queues[DEFAULT].queued == 1

"""The connection to PostgreSQL: one instant, read-only, and nothing left behind."""

import asyncio

import pytest
from sqlalchemy import text

from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.errors import SourceError
from autoscaler.secret import Secret
from tests.sources.airflow_scene import airflow_on

TASKS = text("SELECT count(*) FROM task_instance")
SETTINGS = text(
    "SELECT current_setting('application_name'), current_setting('statement_timeout'),"
    " current_setting('transaction_read_only'), current_setting('transaction_isolation')"
)


@pytest.fixture
async def airflow(postgres):
    async with airflow_on(postgres) as made:
        yield made


@pytest.fixture
async def database(airflow):
    made = AirflowDatabase(Secret(airflow.url), timeout_seconds=5)
    yield made
    await made.aclose()


async def only(snapshot, statement):
    ((value,),) = await snapshot.rows(statement)
    return value


async def test_a_snapshot_sees_one_instant(airflow, database):
    async with database.snapshot(SourceError) as snapshot:
        assert await only(snapshot, TASKS) == 0
        await airflow.tasks("queued", 3)
        assert await only(snapshot, TASKS) == 0
    async with database.snapshot(SourceError) as snapshot:
        assert await only(snapshot, TASKS) == 3


async def test_nothing_can_be_written(database):
    for statement in ("DELETE FROM dag", "CREATE TABLE x (y int)", "SELECT nextval('job_id_seq')"):
        with pytest.raises(SourceError, match="read-only transaction"):
            async with database.snapshot(SourceError) as snapshot:
                await snapshot.connection.execute(text(statement))


async def test_settings_hold_for_the_transaction_alone(database):
    async with database.snapshot(SourceError) as snapshot:
        (settings,) = await snapshot.rows(SETTINGS)
        assert tuple(settings) == ("autoscaler", "4500ms", "on", "repeatable read")
        connection = snapshot.connection
        other = await only(snapshot, text("SELECT pg_backend_pid()"))
    rows = await connection.execute(SETTINGS)
    assert tuple(rows.one())[:2] == ("", "0")
    prepared = await connection.execute(text("SELECT name FROM pg_prepared_statements"))
    assert [name for name in prepared.scalars() if name] == []
    await connection.rollback()
    async with database.snapshot(SourceError) as snapshot:
        assert await only(snapshot, text("SELECT pg_backend_pid()")) == other, "one connection"


async def test_snapshots_take_turns(database):
    order = []

    async def one(name):
        async with database.snapshot(SourceError) as snapshot:
            order.append(name)
            await only(snapshot, text("SELECT pg_sleep(0.05)::text"))
            order.append(name)

    await asyncio.gather(one("a"), one("b"))
    assert order in (["a", "a", "b", "b"], ["b", "b", "a", "a"])


async def test_a_bug_within_is_no_fault_of_the_database(database):
    with pytest.raises(KeyError):
        async with database.snapshot(SourceError):
            raise KeyError("ours")
    async with database.snapshot(SourceError) as snapshot:
        assert await only(snapshot, TASKS) == 0


async def test_it_can_be_used_again_after_it_was_closed(airflow, database):
    assert str(database) == "Airflow's database"
    for _ in range(2):
        async with database.snapshot(SourceError) as snapshot:
            assert snapshot.schema.limits_runs
        await database.aclose()
        await database.aclose()
    assert str(database) == airflow.url.replace("airflow:pg-password-never-shown@", "").replace(
        "postgresql+asyncpg", "postgresql"
    )


async def test_time_over_between_two_statements(airflow):
    database = AirflowDatabase(Secret(airflow.url), timeout_seconds=1)

    async def dawdle():
        async with database.snapshot(SourceError) as snapshot:
            await asyncio.sleep(1.2)
            await snapshot.rows(TASKS)

    with pytest.raises(SourceError, match="did not answer in time"):
        await dawdle()
    async with database.snapshot(SourceError) as snapshot:
        assert await only(snapshot, TASKS) == 0
    await database.aclose()

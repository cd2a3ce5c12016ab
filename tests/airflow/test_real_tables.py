"""The same rows make the same state in the tables that Airflow itself makes, on each database.

On PostgreSQL it migrates them; for MariaDB, which it has no driver for here, it words them.
"""

from __future__ import annotations

import re

import pytest
import pytest_asyncio

from tests.airflow.settings import environment, home_of
from tests.airflow_tables import Airflow
from tests.mariadb import mariadb
from tests.servers import Process
from tests.sources.airflow_rows import comparable, fill
from tests.sources.airflow_scene import airflow_on, read

pytestmark = pytest.mark.airflow

# What the rows leave out gets a value of some sort, so that they can be written as they are.
LENIENT = """
DO $$
DECLARE
    strict record;
    anything json := '{"uuid": "gen_random_uuid()", "boolean": "false", "integer": "0",
        "json": "''{}''", "jsonb": "''{}''", "timestamp with time zone": "now()"}';
BEGIN
    FOR strict IN SELECT * FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT %s', strict.table_name,
            strict.column_name, coalesce(anything ->> strict.data_type::text, ''''''));
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database());
END
$$;
DELETE FROM alembic_version; DELETE FROM slot_pool
"""
WORDING = """
import airflow.models
from airflow.models.base import Base
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable
try:
    airflow.models.import_all_models()
except AttributeError:
    from airflow.models import connection_test, errors, pool, taskinstance, trigger
dialect = mysql.dialect()
for table in Base.metadata.sorted_tables:
    for made in (CreateTable(table), *map(CreateIndex, table.indexes)):
        print("SQL>", str(made.compile(dialect=dialect)).replace(chr(10), " ") + ";")
"""


@pytest_asyncio.fixture(
    params=[3, 2], ids=["airflow3", "airflow2"], scope="module", loop_scope="module"
)
async def real(request, postgres, tmp_path_factory):
    """The version, what runs programs in its environment, and a database that it migrated."""
    directory = tmp_path_factory.mktemp("airflow")
    database = postgres.new_database()
    settings = environment(
        str(request.param), directory, database=postgres.url(database), broker="", api_port=0
    )

    async def run(program, *arguments):
        command = [str(home_of(str(request.param)) / "bin" / program), *arguments]
        process = Process(command, directory / program, settings, directory)
        await process.launch()
        assert await process.exited(120) == 0, process.output
        return process.output

    await run("airflow", "db", "migrate")
    postgres.execute(LENIENT, database)
    return request.param, run, postgres.url(database, "postgresql+asyncpg")


async def expected(postgres, major):
    """The state that the rows make in the tables of the other tests."""
    async with airflow_on(postgres, major) as airflow:
        await fill(airflow)
        return comparable(await read(airflow, parallelism=200))


async def test_on_postgresql(real, postgres):
    major, _, url = real
    airflow = Airflow(url, major)
    await airflow.begin()
    await fill(airflow)
    state = comparable(await read(airflow, parallelism=200))
    await airflow.close()
    assert state == await expected(postgres, major)


async def test_on_mariadb(real, postgres):
    major, run, _ = real
    worded = await run("python", "-c", WORDING)
    statements = re.findall("^SQL> (.*)", worded, re.MULTILINE)
    async with mariadb() as server:
        server.execute("SET GLOBAL sql_mode = '', GLOBAL foreign_key_checks = 0")
        airflow = Airflow(server.url(server.new_database()), major)
        database = airflow.url.rpartition("/")[2]
        server.execute("SET foreign_key_checks = 0;" + "\n".join(statements), database)
        if major == 3:
            unique = "CHAR(32) NOT NULL DEFAULT (REPLACE(UUID(), '-', ''))"
            for table in ("task_instance", "callback", "connection_test_request"):
                server.execute(f"ALTER TABLE {table} MODIFY id {unique}", database)
        await airflow.begin()
        await fill(airflow)
        state = comparable(await read(airflow, parallelism=200))
        await airflow.close()
    assert state == await expected(postgres, major)

"""The same rows make the same state in the tables that Airflow itself makes, on each database.

On PostgreSQL it migrates them; for MariaDB, which it has no driver for here, it words them.
"""

from __future__ import annotations

import re

import pytest
import pytest_asyncio

from tests.airflow.settings import environment, home_of
from tests.airflow_tables import Airflow
from tests.airflow_tables import tables as airflow_tables
from tests.mariadb import mariadb
from tests.servers import Process
from tests.sources.airflow_rows import comparable, fill
from tests.sources.airflow_scene import DRIVER, read

pytestmark = pytest.mark.airflow

# What the rows leave out gets a value of some sort, so that they can be written as they are.
LENIENT = """
DO $$
DECLARE
    needed record;
    anything json := '{"uuid": "gen_random_uuid()", "boolean": "false", "json": "''{}''",
        "jsonb": "''{}''", "timestamp with time zone": "now()", "bytea": "''''",
        "character varying": "left(gen_random_uuid()::text, 10)", "text": "''''"}';
BEGIN
    FOR needed IN SELECT * FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT %s', needed.table_name,
            needed.column_name, coalesce(anything ->> needed.data_type::text, '0'));
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database());
END
$$;
DELETE FROM alembic_version; DELETE FROM slot_pool
"""
UNIQUE = (
    ("task_instance", "id"),
    ("callback", "id"),
    ("connection_test_request", "id"),
    ("connection_test_request", "token"),
)
WORDING = """
import sys
import airflow.models
from airflow.models import errors, pool, taskinstance, trigger
from airflow.models.base import Base
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable
airflow.models.import_all_models()
for name in sys.argv[1:]:
    table = Base.metadata.tables[name]
    for made in (CreateTable(table), *map(CreateIndex, table.indexes)):
        print("SQL>", str(made.compile(dialect=mysql.dialect())).replace(chr(10), " ") + ";")
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

    async def run(program, *arguments, **more):
        command = [str(home_of(str(request.param)) / "bin" / program), *arguments]
        process = Process(command, directory / program, {**settings, **more}, directory)
        await process.launch()
        assert await process.exited(120) == 0, process.output
        return process.output

    await run("airflow", "db", "migrate")
    postgres.execute(LENIENT, database)
    return request.param, run, postgres.url(database, DRIVER)


async def told(airflow):
    """The state that the rows make in empty tables."""
    try:
        await airflow.begin()
        await fill(airflow)
        return comparable(await read(airflow, parallelism=200))
    finally:
        await airflow.close()


async def expected(postgres, major):
    """The state that they make in the tables of the other tests."""
    airflow = Airflow(postgres.url(postgres.new_database(), DRIVER), major)
    await airflow.create(empty=True)
    return await told(airflow)


async def test_on_postgresql(real, postgres):
    major, _, url = real
    state = await told(Airflow(url, major))
    assert state == await expected(postgres, major)


async def test_on_mariadb(real, postgres):
    major, run, _ = real
    collation = {"AIRFLOW__DATABASE__SQL_ENGINE_COLLATION_FOR_IDS": "utf8mb3_bin"}
    tables = sorted(set(airflow_tables(major).tables) - {"alembic_version"})
    worded = await run("python", "-c", WORDING, *tables, **collation)
    statements = re.findall("^SQL> (.*)", worded, re.MULTILINE)
    async with mariadb() as server:
        server.execute("SET GLOBAL sql_mode = '', GLOBAL foreign_key_checks = 0")
        airflow = Airflow(server.url(server.new_database()), major)
        database = airflow.url.rpartition("/")[2]
        server.execute("SET foreign_key_checks = 0;" + "\n".join(statements), database)
        server.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))", database)
        if major == 3:
            unique = "CHAR(32) NOT NULL DEFAULT (REPLACE(UUID(), '-', ''))"
            server.execute("SET GLOBAL check_constraint_checks = 0")
            for table, column in UNIQUE:
                server.execute(f"ALTER TABLE {table} MODIFY {column} {unique}", database)
        state = await told(airflow)
    assert state == await expected(postgres, major)

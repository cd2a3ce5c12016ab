"""The grant scripts give exactly what airflow_database reads."""

import re
from pathlib import Path

import pytest

from autoscaler.clients.airflow.schema import READ, READ_WHERE_PRESENT, VIEW
from tests.airflow_tables import Airflow
from tests.mariadb import PASSWORD as MARIADB_PASSWORD
from tests.mariadb import mariadb
from tests.postgres import PASSWORD
from tests.sources.airflow_rows import fill
from tests.sources.airflow_scene import NOW, airflow_on, reading, refused

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "airflow-database.md").read_text()
POSTGRESQL, MYSQL = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
LOGIN = "autoscaler:choose-one"
GRANTED = """
SELECT table_name || '.' || column_name FROM information_schema.column_privileges
WHERE grantee = 'autoscaler'
"""


def read_by(major):
    optional = READ_WHERE_PRESENT if major == 3 else {"dag_run": READ_WHERE_PRESENT["dag_run"]}
    tables = [*READ[major].items(), *optional.items()]
    return {f"{table}.{column}" for table, columns in tables for column in columns if table != VIEW}


@pytest.mark.parametrize("schema", ["public", "airflow"])
@pytest.mark.parametrize("major", [2, 3])
async def test_on_postgresql(postgres, major, schema):
    async with airflow_on(postgres, major) as airflow:
        await fill(airflow)
        if schema != "public":
            await airflow.execute(f"ALTER SCHEMA public RENAME TO {schema}")
        database = airflow.url.rpartition("/")[2]
        created, script = POSTGRESQL.splitlines()
        postgres.execute(f"DROP ROLE IF EXISTS autoscaler; {created}")
        url = airflow.url.replace(f"airflow:{PASSWORD}", LOGIN)
        async with reading(url, sql_alchemy_schema=schema) as source:
            assert "no rights" in await refused(source)
            granting = (ROOT / script.removeprefix("\\i ")).read_text()
            postgres.execute(f"SET search_path = {schema}; {granting}", database)
            state = await source.read(NOW)
        assert state.tasks
        assert 0 < state.connections < state.max_connections
        granted = set(postgres.execute(GRANTED, database).split())
        postgres.execute("DROP OWNED BY autoscaler; DROP ROLE autoscaler", database)
    assert granted == read_by(major)


@pytest.mark.full
async def test_on_mariadb():
    created, script = MYSQL.splitlines()
    granting = (ROOT / script.removeprefix("source ")).read_text()
    async with mariadb() as server:
        server.execute(created)
        for major in (2, 3):
            airflow = Airflow(server.url(server.new_database()), major)
            await airflow.create()
            await fill(airflow)
            await airflow.close()
            database = airflow.url.rpartition("/")[2]
            async with reading(airflow.url.replace(f"airflow:{MARIADB_PASSWORD}", LOGIN)) as source:
                assert "config/airflow-grants-mysql.sql" in await refused(source)
                server.execute(granting, database, force=True)
                state = await source.read(NOW)
            assert state.tasks
            assert 0 < state.connections < state.max_connections
            granted = server.execute(
                "SELECT CONCAT(table_name, '.', column_name) FROM"
                f" information_schema.column_privileges WHERE table_schema = '{database}'"
            )
            assert set(granted.split()) == read_by(major)

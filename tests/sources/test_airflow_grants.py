"""The grant scripts give exactly what airflow_database reads."""

from pathlib import Path

import pytest

from autoscaler.clients.airflow.schema import READ, READ_WHERE_PRESENT
from tests.airflow_tables import Airflow
from tests.mariadb import PASSWORD as MARIADB_PASSWORD
from tests.mariadb import mariadb
from tests.postgres import PASSWORD
from tests.sources.airflow_rows import fill
from tests.sources.airflow_scene import NOW, airflow_on, reading, refused

CONFIG = Path(__file__).parents[2] / "config"
POSTGRESQL = (CONFIG / "airflow-grants-postgresql.sql").read_text()
MYSQL = (CONFIG / "airflow-grants-mysql.sql").read_text()
GRANTED = """
SELECT table_name || '.' || column_name FROM information_schema.column_privileges
WHERE grantee = 'autoscaler'
"""
ROLE = "DROP ROLE IF EXISTS autoscaler; CREATE ROLE autoscaler LOGIN PASSWORD 'p'"


def read_by(major):
    tables = [*READ[major].items(), *(READ_WHERE_PRESENT.items() if major == 3 else ())]
    return {f"{table}.{column}" for table, columns in tables for column in columns}


@pytest.mark.parametrize("schema", ["public", "airflow"])
@pytest.mark.parametrize("major", [2, 3])
async def test_on_postgresql(postgres, major, schema):
    async with airflow_on(postgres, major) as airflow:
        await fill(airflow)
        if schema != "public":
            await airflow.execute(f"ALTER SCHEMA public RENAME TO {schema}")
        database = airflow.url.rpartition("/")[2]
        postgres.execute(ROLE)
        url = airflow.url.replace(f"airflow:{PASSWORD}", "autoscaler:p")
        async with reading(url, sql_alchemy_schema=schema) as source:
            assert "no rights" in await refused(source)
            postgres.execute(f"SET search_path = {schema}; {POSTGRESQL}", database)
            assert (await source.read(NOW)).tasks
        granted = set(postgres.execute(GRANTED, database).split())
        postgres.execute("DROP OWNED BY autoscaler; DROP ROLE autoscaler", database)
    unused = {"task_instance.updated_at", "dag_run.run_type"} if major == 3 else set()
    assert granted - unused == read_by(major)


@pytest.mark.full
async def test_on_mariadb():
    async with mariadb() as server:
        server.execute("CREATE USER autoscaler@'%' IDENTIFIED BY 'p'")
        for major in (2, 3):
            airflow = Airflow(server.url(server.new_database()), major)
            await airflow.create()
            await fill(airflow)
            await airflow.close()
            database = airflow.url.rpartition("/")[2]
            url = airflow.url.replace(f"airflow:{MARIADB_PASSWORD}", "autoscaler:p")
            async with reading(url) as source:
                assert "config/airflow-grants-mysql.sql" in await refused(source)
                server.execute(MYSQL, database, force=True)
                assert (await source.read(NOW)).tasks
            granted = server.execute(
                "SELECT CONCAT(table_name, '.', column_name) FROM"
                f" information_schema.column_privileges WHERE table_schema = '{database}'"
            )
            unused = {"task_instance.updated_at", "dag_run.run_type"} if major == 3 else set()
            assert set(granted.split()) - unused == read_by(major)

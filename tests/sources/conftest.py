"""Airflows that are only their tables, for the tests of airflow_database."""

import contextlib

import pytest

from tests.airflow_tables import Airflow
from tests.sources.airflow_scene import DRIVER, airflow_on


@pytest.fixture(scope="session")
def databases(postgres):
    """One for each version of Airflow."""
    return {major: postgres.new_database() for major in (2, 3)}


@contextlib.asynccontextmanager
async def emptied(postgres, databases, major):
    """The shared tables of a version, without rows of earlier tests."""
    airflow = Airflow(postgres.url(databases[major], DRIVER), major)
    try:
        made = postgres.execute("SELECT to_regclass('task_instance')", databases[major])
        await (airflow.reset() if made.strip() else airflow.create())
        yield airflow
    finally:
        await airflow.close()


@pytest.fixture(params=[2, 3], ids=["airflow2", "airflow3"])
async def airflow(request, postgres, databases):
    """Of each version. Tests must leave its tables as they are."""
    async with emptied(postgres, databases, request.param) as made:
        yield made


@pytest.fixture
async def airflow2(postgres, databases):
    async with emptied(postgres, databases, 2) as made:
        yield made


@pytest.fixture
async def airflow3(postgres, databases):
    async with emptied(postgres, databases, 3) as made:
        yield made


@pytest.fixture(params=[2, 3], ids=["airflow2", "airflow3"])
async def own_airflow(request, postgres):
    """Of each version, with tables that a test may change."""
    async with airflow_on(postgres, request.param) as made:
        yield made

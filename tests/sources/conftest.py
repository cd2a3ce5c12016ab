"""Airflows that are only their tables, for the tests of airflow_database."""

import pytest

from tests.sources.airflow_scene import airflow_on


@pytest.fixture(params=[2, 3], ids=["airflow2", "airflow3"])
async def airflow(request, postgres):
    async with airflow_on(postgres, request.param) as made:
        yield made


@pytest.fixture
async def airflow3(postgres):
    async with airflow_on(postgres) as made:
        yield made


@pytest.fixture
async def airflow2(postgres):
    async with airflow_on(postgres, 2) as made:
        yield made

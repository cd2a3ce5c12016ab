"""An airflow_database over tables of its own, and how tests ask it."""

import contextlib

import pytest

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.secret import Secret
from autoscaler.sources.airflow_database import AirflowDatabaseOptions, AirflowDatabaseSource
from tests.airflow_tables import Airflow

CONTEXT = Context("airflow")
DEFAULT = ("default", "CeleryExecutor")


@contextlib.asynccontextmanager
async def reading(url, **options):
    """The source, closed in the end."""
    chosen = AirflowDatabaseOptions(url=Secret(url), **options)
    source = AirflowDatabaseSource(chosen, CONTEXT)
    try:
        yield source
    finally:
        await source.aclose()
        await source.aclose()


@contextlib.asynccontextmanager
async def airflow_on(server, major=3):
    """An Airflow's tables in a new database of the server."""
    airflow = Airflow(server.url(server.new_database(), "postgresql+asyncpg"), major)
    await airflow.create()
    yield airflow


async def refused(source, now):
    with pytest.raises(SourceError) as raised:
        await source.read(now)
    return str(raised.value)

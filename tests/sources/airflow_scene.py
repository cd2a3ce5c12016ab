"""An airflow_database over tables of its own, and how tests ask it."""

import contextlib

import pytest

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.sources.airflow_database import AirflowDatabaseOptions, AirflowDatabaseSource
from tests.airflow_tables import Airflow, ago

CONTEXT = Context("airflow")
DRIVER = "postgresql+asyncpg"
DEFAULT = ("default", "CeleryExecutor")
NOW = 2e9  # far from the database's clock, which shows where it was not translated


@contextlib.asynccontextmanager
async def reading(url, **options):
    """The source, closed in the end; with patience for a busy machine unless told otherwise."""
    chosen = AirflowDatabaseOptions.model_validate({"url": url, "timeout_seconds": 20, **options})
    source = AirflowDatabaseSource(chosen, CONTEXT)
    try:
        yield source
    finally:
        await source.aclose()
        await source.aclose()


@contextlib.asynccontextmanager
async def airflow_on(server, major=3):
    """An Airflow's tables in a new database of the server."""
    airflow = Airflow(server.url(server.new_database(), DRIVER), major)
    try:
        await airflow.create()
        yield airflow
    finally:
        await airflow.close()


async def read(airflow, **options):
    """What the source tells of this Airflow."""
    async with reading(airflow.url, **options) as source:
        return await source.read(NOW)


def around(seconds_ago):
    """That time before now, by our clock."""
    return pytest.approx(NOW - seconds_ago, abs=2)


async def scheduler(airflow, seconds_ago, **job):
    """Its row in the table of jobs."""
    row = {"job_type": "SchedulerJob", "state": "running", "hostname": "a"}
    await airflow.add("job", {**row, "latest_heartbeat": ago(seconds_ago), **job})


async def refused(source, now=NOW):
    """Why the source cannot be read."""
    with pytest.raises(SourceError) as raised:
        await source.read(now)
    return str(raised.value)

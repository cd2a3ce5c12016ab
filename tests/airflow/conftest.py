"""One whole Airflow of each version for all tests, one after the other."""

from __future__ import annotations

import pytest_asyncio

from tests.airflow.stack import airflow


@pytest_asyncio.fixture(
    params=["3", "2"], ids=["airflow3", "airflow2"], scope="session", loop_scope="session"
)
async def stack(request):
    """A running Airflow with nothing to do; `scaled` forgets what earlier tests ran on it."""
    async with airflow(request.param) as running:
        yield running

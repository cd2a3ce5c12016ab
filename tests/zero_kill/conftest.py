"""The brokers that every case runs on."""

from __future__ import annotations

import pytest

from tests.servers import valkey
from tests.services import rabbitmq


@pytest.fixture(params=["redis", "rabbitmq"])
async def broker(request):
    """A broker that keeps its messages over a restart."""
    server = valkey(persist=True) if request.param == "redis" else rabbitmq()
    async with server as running:
        yield running

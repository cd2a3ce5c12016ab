"""A redis_broker over a Valkey of its own, and how tests ask it."""

import contextlib

import pytest

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import Fleet
from autoscaler.secret import Secret
from autoscaler.sources.redis_broker import RedisBroker, RedisBrokerOptions

NOW = 1e9
CONTEXT = Context("broker", fleets=(Fleet("all", queues=("default", "high")),))


def options(url, **more):
    return RedisBrokerOptions(url=Secret(url), timeout_seconds=1.0, **more)


@contextlib.asynccontextmanager
async def broker(url, context=CONTEXT, **more):
    source = RedisBroker(options(url, **more), context)
    try:
        yield source
    finally:
        await source.aclose()
        await source.aclose()


async def refused(source):
    with pytest.raises(SourceError) as raised:
        await source.read(NOW)
    return str(raised.value)

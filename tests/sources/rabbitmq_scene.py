"""A rabbitmq_broker, and how tests ask it."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import BrokerState, Fleet
from autoscaler.secret import Secret
from autoscaler.sources.rabbitmq_broker import RabbitmqBroker, RabbitmqBrokerOptions

NOW = 1_000_000.0
FLEETS = (Fleet("one", queues=("a", "b")),)


def source_of(url: str, **options: Any) -> RabbitmqBroker:
    checked = RabbitmqBrokerOptions(url=Secret(url), **options)
    return RabbitmqBroker(checked, Context("broker", fleets=FLEETS))


async def read(source: RabbitmqBroker) -> BrokerState:
    try:
        return await source.read(NOW)
    finally:
        await source.aclose()


async def why_not(source: RabbitmqBroker) -> str:
    with pytest.raises(SourceError) as caught:
        await read(source)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)

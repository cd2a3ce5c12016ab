"""A cluster for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kubernetes.cluster import Cluster, cluster


@pytest.fixture
async def made() -> AsyncIterator[Cluster]:
    async with cluster() as running:
        yield running

"""A cluster, and a target of a Deployment of three in it."""

from __future__ import annotations

import pytest

from tests.kubernetes.cluster import cluster as whole_cluster
from tests.targets.kubernetes_rig import target_of


@pytest.fixture
async def cluster():
    async with whole_cluster() as made:
        yield made


@pytest.fixture
async def target(cluster, tmp_path):
    cluster.deployment("worker", 3)
    made = target_of(cluster, tmp_path)
    yield made
    await made.aclose()
    await made.aclose()

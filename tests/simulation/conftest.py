"""A world to test the harness in: one fleet, no faults, no daemon."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from tests.simulation.cluster import Cluster
from tests.simulation.oracles import Oracles
from tests.simulation.scenario import Scenario
from tests.simulation.worker import WorkerSettings
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path):
    drawn = Scenario.drawn(Random("a world for tests"))
    settings = WorkerSettings(slots=2, prefetch=2, acks_late=True, queues=("q",), mute=False)
    fleet = replace(
        drawn.fleets[0],
        name="f",
        settings=settings,
        max_replicas=3,
        boot_seconds=(5.0, 5.0),
        grace_seconds=20.0,
        ordinals=False,
    )
    made = World(1, replace(drawn, fleets=(fleet,), dry_run=False), tmp_path, tail=None)
    made.oracles = Oracles(made)
    made.cluster = Cluster(made)
    return made


@pytest.fixture
def pass_time(world):
    return lambda seconds: world.loop.run(asyncio.sleep(seconds))

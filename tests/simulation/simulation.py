"""Runs one seed from its beginning to the calm after its faults."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import structlog

from tests.simulation.calm import settle
from tests.simulation.cluster import Cluster
from tests.simulation.nemesis import Nemesis
from tests.simulation.oracles import Oracles, Violation
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

TAIL = 40


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one seed. hours: simulated under faults. digest: of all its events."""

    seed: int
    hours: float
    digest: str
    events: int
    faults: int
    enabled: tuple[str, ...]
    counts: Mapping[str, int]
    tasks: Mapping[str, int]
    tail: tuple[str, ...]
    violation: Violation | None = None


def simulate(
    seed: int, hours: float, only: Collection[str] | None = None, tail: int | None = TAIL
) -> Run:
    """Simulate this many hours under faults, then the calm.

    only: the fault classes there may be, all if None. tail: how many events the run tells of, all
    if None.
    """
    with _silence(), tempfile.TemporaryDirectory(prefix="simulation-") as directory:
        scenario = Scenario.drawn(Random(f"{seed}/scenario"))
        world = World(seed, scenario, Path(directory), tail)
        world.oracles = Oracles(world)
        world.cluster = Cluster(world)
        nemesis = Nemesis(world, only)
        world.loop.run(_life(world, nemesis, hours * 3600))
        if world.loop.failures:
            world.oracles.violated("no-surprises", world.loop.failures[0])
        run = _run(world, nemesis, hours)
        world.loop.run(world.cluster.end())
        return run


@contextmanager
def _silence() -> Iterator[None]:
    """The daemon's log says nothing that the trace does not, and costs time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


async def _life(world: World, nemesis: Nemesis, seconds: float) -> None:
    world.cluster.start()
    world.load.start()
    await asyncio.sleep(seconds)
    nemesis.stop()
    world.note("calm")
    await settle(world)


def _run(world: World, nemesis: Nemesis, hours: float) -> Run:
    violation = world.oracles.violation
    return Run(
        seed=world.seed,
        hours=min(hours, violation.at / 3600) if violation else hours,
        digest=world.trace.digest,
        events=world.trace.number,
        faults=world.trace.counts["fault"],
        enabled=tuple(nemesis.enabled),
        counts=dict(world.trace.counts),
        tasks=dict(world.ledger.counts),
        tail=tuple(world.trace.tail()),
        violation=violation,
    )

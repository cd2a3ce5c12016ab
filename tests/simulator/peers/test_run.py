"""What a platform does with a rival's number: launches, drains and kills."""

from __future__ import annotations

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.keda import Keda, KedaNeverKills
from autoscaler.simulator.peers.run import run
from autoscaler.simulator.world import World
from tests.simulator.traces import plain

RULES = {"default": Rules(slots=2, max_workers=10)}
LONG = plain([(1000.0, 60.0)] * 10 + [(1000.0, 4000.0)] * 6 + [(7000.0, 1.0)])


def test_a_grace_kills_what_outlives_it_and_it_starts_again() -> None:
    world = World(LONG, RULES)
    measures = run({"default": Keda(RULES["default"])}, world)
    assert measures.kills > 0
    assert len(world.deaths) == measures.kills
    assert measures.within[300] < 1


def test_without_a_grace_nobody_dies_and_the_workers_cost_more() -> None:
    killing = run({"default": Keda(RULES["default"])}, World(LONG, RULES))
    draining = run({"default": KedaNeverKills(RULES["default"])}, World(LONG, RULES))
    assert draining.kills == 0
    assert draining.started == draining.tasks
    assert draining.within[300] > killing.within[300]


def test_progress_ends_with_everything() -> None:
    told: list[float] = []
    run({"default": Keda(RULES["default"])}, World(LONG, RULES), progress=told.append)
    assert told[0] == 0.0
    assert told[-1] == 1.0

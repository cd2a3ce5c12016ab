"""The rivals by name, and what a simulation looked like over time."""

from __future__ import annotations

import pytest

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.rivals import RIVALS
from autoscaler.simulator.timeline import Timeline
from autoscaler.simulator.world import World
from tests.simulator.traces import dags, plain

RULES = {"default": Rules(slots=2, max_workers=3)}


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_plays(name: str) -> None:
    rival, told = RIVALS[name], list[float]()
    world = World(dags(), rival.rules(RULES))
    measures = rival.play(world, told.append)
    assert measures.started == measures.tasks
    assert told[-1] == 1.0
    assert rival.what


def test_a_steady_fleet_costs_its_count_times_the_span() -> None:
    rival = RIVALS["static"]
    world = World(dags(), rival.rules(RULES))
    assert rival.play(world, lambda _: None).worker_seconds == 3 * world.end


def test_a_timeline_has_the_most_of_each_part_and_who_waited_and_died() -> None:
    world = World(plain([(100.0, 50.0)] * 4 + [(700.0, 100.0)]), RULES)
    world.advance(720.0)
    world.remove("default", "default-0")
    world.launch("default", "other")
    world.result()
    timeline = Timeline.of(world, points=10)
    assert timeline.seconds == 1000.0
    assert timeline.demand == (0, 4, 0, 0, 0, 0, 0, 1, 1, 1)
    assert timeline.slots[0] == 2
    assert timeline.waits[1] == 50.0
    assert timeline.kills == (0, 0, 0, 0, 0, 0, 0, 1, 0, 0)

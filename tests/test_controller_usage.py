"""Whole cycles in which a source tells what containers use."""

from __future__ import annotations

import pytest

from autoscaler.interfaces import Source
from autoscaler.model import ActionKind, Override, Result, Sample, SampleState
from tests.cycles import Ticks, config
from tests.fakes import WORLDS, FakeOptions, World

MIB = 2**20
PLUGIN = {"world": "w"}
SOURCES = {
    "broker": {"kind": "tests.fakes:FakeBroker", **PLUGIN},
    "workers": {"kind": "tests.fakes:FakeWorkers", **PLUGIN},
    "metrics": {"kind": "tests.test_controller_usage:Metrics", **PLUGIN},
}


class Metrics(Source[FakeOptions]):
    """Half a core and 300 MiB of each unit, and more of a pod that is none of them."""

    options_type = FakeOptions

    async def read(self, now):
        used = dict.fromkeys(WORLDS[self.options.world].units, (0.5, 300 * MIB))
        used["stranger"] = (8.0, 9000 * MIB)
        values = []
        for pod, (cores, memory) in used.items():
            labels = {"pod": pod, "container": "worker"}
            values += [Sample("cpu", cores, now, labels), Sample("memory", memory, now, labels)]
        return SampleState(now, tuple(values))


@pytest.fixture
def world():
    WORLDS["w"] = World()
    yield WORLDS["w"]
    del WORLDS["w"]


async def test_a_fleet_is_advised_after_ten_minutes_by_its_own_units(world, tmp_path):
    ticks = Ticks(config(tmp_path, sources=SOURCES))
    assert (await ticks.run(110)).sizings == ()
    [sizing] = (await ticks.run(30)).sizings
    assert sizing.container == "worker"
    assert 0.5 <= sizing.used_cores < 0.53
    assert sizing.memory_bytes == 345 * MIB
    again = Ticks(config(tmp_path, sources=SOURCES), previous=ticks.controller)
    again.now = ticks.now
    assert (await again.run(1)).sizings == (sizing,)


async def test_what_the_target_resized_is_an_outcome_like_any_other(world, tmp_path):
    ticks = Ticks(config(tmp_path, sources=SOURCES))
    world.readings["resize"] = ("u", "worker: cpu requests 1 -> 575m")
    await ticks.run(140)
    [outcome] = (await ticks.run(1)).outcomes
    assert (outcome.action.kind, outcome.result) == (ActionKind.RESIZE, Result.APPLIED)
    assert (outcome.action.unit, outcome.action.reason) == world.readings["resize"]
    ticks.controller.overrides.set(Override("default", "a deploy", "me", ticks.now))
    assert (await ticks.run(1)).outcomes == ()
    dry = Ticks(config(tmp_path, sources=SOURCES, dry_run=True), previous=ticks.controller)
    dry.now = ticks.now
    assert (await dry.run(1)).outcomes == ()

"""Queues of a fleet that names none: found at starts, kept, and told to workers that lack them."""

from __future__ import annotations

import json

import pytest

from autoscaler.config import load
from autoscaler.controller import Controller
from autoscaler.daemon import Daemon
from autoscaler.discovery import Discovery
from autoscaler.errors import SourceError
from autoscaler.model import QueuesFrom, Result
from tests.cycles import Ticks, config
from tests.fakes import WORLDS, World
from tests.records import NOW, worker
from tests.servers import eventually
from tests.test_daemon import daemon, write


@pytest.fixture
def world():
    WORLDS["w"] = World(depth=8)
    yield WORLDS["w"]
    del WORLDS["w"]


def without_queues(tmp_path, **fleet):
    return config(tmp_path, fleet={"queues": None, **fleet})


async def known(made, discovery):
    """Whether more is known than before, for a controller of its own."""
    controller = Controller(made, queues=discovery.queues)
    try:
        return await discovery.grew(controller, NOW)
    finally:
        await controller.aclose()


async def test_what_workers_take_is_found_once_and_remembered(world, tmp_path):
    world.workers["old@host"] = worker("old@host", queues=("mail", "default"))
    discovery = Discovery(tmp_path, remember=True)
    assert await known(without_queues(tmp_path), discovery)
    assert discovery.queues == ("default", "mail")
    world.met.clear()
    assert not await known(without_queues(tmp_path), discovery)
    assert "queues" not in world.met
    world.workers["new@host"] = worker("new@host", queues=("late",))
    discovery.again()
    assert await known(without_queues(tmp_path), discovery)
    world.workers.clear()
    after_restart = Discovery(tmp_path, remember=True)
    assert after_restart.queues == ("default", "late", "mail")


async def test_where_nobody_tells_of_a_queue_it_is_celerys_own(world, tmp_path):
    discovery = Discovery(tmp_path, remember=False)
    assert await known(without_queues(tmp_path), discovery)
    assert discovery.queues == ("celery",)
    assert not (tmp_path / "queues.json").exists()


async def test_queues_of_the_config_are_not_added_to(world, tmp_path):
    world.workers["old@host"] = worker("old@host", queues=("mail",))
    discovery = Discovery(tmp_path, remember=True)
    assert not await known(config(tmp_path), discovery)
    assert "queues" not in world.met


async def test_a_damaged_file_is_told_of_and_written_anew(world, tmp_path):
    (tmp_path / "queues.json").write_text("{}")
    discovery = Discovery(tmp_path, remember=True)
    assert discovery.queues == ()
    assert await known(without_queues(tmp_path), discovery)
    assert json.loads((tmp_path / "queues.json").read_text())["content"] == ["celery"]


async def test_a_file_that_cannot_be_written_stops_nothing(world, tmp_path):
    (tmp_path / "state").write_text("no directory")
    discovery = Discovery(tmp_path / "state", remember=True)
    assert await known(without_queues(tmp_path), discovery)


@pytest.mark.parametrize("fault", [SourceError("down"), ZeroDivisionError("oops")])
async def test_until_the_sources_were_asked_nothing_is_done(world, tmp_path, fault):
    """A guess is no reason to start, tell or remove anything."""
    world.launch("default-9", NOW, queues=())
    world.faults["queues"] = fault
    discovery = Discovery(tmp_path, remember=True)
    made = without_queues(tmp_path, min_replicas=3)
    assert not await known(made, discovery)
    assert str(fault) in discovery.why
    ticks = Ticks(made, queues=discovery.queues)
    turn = await ticks.run(4)
    assert turn.snapshot.fleet.queues_from is QueuesFrom.NOBODY
    assert "queues" in turn.snapshot.missing
    assert turn.result is Result.DRY_RUN
    assert [*world.units] == ["default-9"]
    assert world.said == []
    await ticks.controller.aclose()
    world.faults.clear()
    assert await known(made, discovery)
    assert discovery.why == ""


async def test_a_source_that_the_last_tick_could_not_read_is_not_asked_as_well(world, tmp_path):
    world.faults["workers"] = SourceError("down")
    ticks = Ticks(without_queues(tmp_path))
    await ticks.run()
    world.met.clear()
    assert not await Discovery(tmp_path, remember=True).grew(ticks.controller, NOW)
    assert "queues" not in world.met
    await ticks.controller.aclose()


async def test_what_its_own_workers_take_is_served_without_being_asked_for(world, tmp_path):
    discovery = Discovery(tmp_path, remember=True)
    await known(without_queues(tmp_path), discovery)
    ticks = Ticks(without_queues(tmp_path), queues=discovery.queues)
    world.launch("default-1", NOW, queues=("apps-own",))
    await ticks.run()
    assert await discovery.grew(ticks.controller, NOW)
    assert discovery.queues == ("apps-own", "celery")
    await ticks.controller.aclose()


async def test_the_daemon_finds_queues_scales_on_them_and_tells_its_workers(world, tmp_path):
    world.workers["old@host"] = worker("old@host", queues=("default", "mail"))
    fleet = {"max_replicas": 4, "target": {"kind": "tests.fakes:FakeTarget", "world": "w"}}
    path = write(tmp_path, interval_seconds=0.1, fleets=[fleet])
    async with daemon(path) as (made, ticks):
        await eventually(lambda: world.units, "a unit")
        assert ticks[0].fleets["default"].snapshot.fleet.queues == ("default", "mail")
        own = await eventually(lambda: next((n for n in world.workers if n != "old@host"), None))
        await eventually(lambda: world.workers[own].queues == {"default", "mail"}, "its queues")
        world.workers["new@host"] = worker("new@host", queues=("late",))
        made.reload()
        await eventually(lambda: "late" in world.workers[own].queues, "the queue of the reload")


async def test_one_tick_alone_finds_them_too(world, tmp_path):
    world.workers["old@host"] = worker("old@host", queues=("mail",))
    fleet = {"max_replicas": 4, "target": {"kind": "tests.fakes:FakeTarget", "world": "w"}}
    path = write(tmp_path, fleets=[fleet])
    ticks = []
    made = Daemon(path, load(path), dry_run=True, observers=(ticks.append,))
    assert await made.run_once() == 0
    await made.aclose()
    assert ticks[0].fleets["default"].snapshot.fleet.queues == ("mail",)
    assert not (tmp_path / "state" / "queues.json").exists()

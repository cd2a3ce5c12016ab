"""The process: ticks by the clock and by push, reload, signals and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal

import pytest
from structlog.testing import capture_logs

from autoscaler.config import load
from autoscaler.daemon import Daemon, run
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Election, Options
from autoscaler.leader.sole import SoleLeader
from autoscaler.model import WorkersState
from tests.fakes import SOURCE_DOWN, WORLDS, FakeTarget, World
from tests.servers import eventually, free_port


@pytest.fixture
def world():
    WORLDS["w"] = World(depth=8)
    yield WORLDS["w"]
    del WORLDS["w"]


def write(directory, **changes):
    plugin = {"world": "w"}
    path = directory / "autoscaler.json"
    config = {
        "interval_seconds": 60,
        "http": {"listen": f"127.0.0.1:{free_port()}"},
        "journal": {"path": str(directory / "journal.db")},
        "state_directory": str(directory / "state"),
        "log": {"format": "json"},
        "sources": {
            "broker": {"kind": "tests.fakes:FakeBroker", **plugin},
            "workers": {"kind": "tests.fakes:FakeWorkers", **plugin},
        },
        "fleets": [
            {
                "name": "default",
                "queues": ["default"],
                "slots_per_replica": 4,
                "max_replicas": 4,
                "target": {"kind": "tests.fakes:FakeTarget", **plugin},
            }
        ],
        **changes,
    }
    path.write_text(json.dumps(config))
    return path


@contextlib.asynccontextmanager
async def daemon(path, **options):
    """A daemon that runs; ended as SIGTERM ends it, within 5 seconds."""
    ticks = []
    made = Daemon(path, load(path), observers=(ticks.append,), **options)
    running = asyncio.create_task(made.run())
    try:
        await eventually(lambda: ticks or running.done(), "a first tick")
        yield made, ticks
    finally:
        made.stop()
        async with asyncio.timeout(5):
            code = await running
        await made.aclose()
    assert code == 0


async def test_a_push_brings_a_tick_long_before_the_interval(world, tmp_path):
    async with daemon(write(tmp_path)) as (made, ticks):
        await eventually(lambda: len(ticks) >= 2, "the tick that the workers' source asked for")
        made.wake("a queue jumped")
        await eventually(lambda: len(ticks) >= 3, "the tick that was asked for")
    assert world.units


async def test_the_end_leaves_the_workers_as_they_are(world, tmp_path):
    async with daemon(write(tmp_path)) as (_, ticks):
        await eventually(lambda: len(ticks) >= 2)
        before = dict(world.units)
    assert before
    assert world.units == before
    assert (tmp_path / "journal.db").exists()


async def test_sigterm_ends_a_tick_that_hangs_within_five_seconds(world, tmp_path):
    world.hanging.add("broker")
    made = Daemon(path := write(tmp_path), load(path))
    running = asyncio.create_task(made.run())
    await eventually(lambda: "broker" in world.met, "the poll that hangs")
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await running == 0
    await made.aclose()


async def test_a_reload_takes_a_good_config_and_refuses_a_bad_one(world, tmp_path):
    path = write(tmp_path)
    async with daemon(path) as (made, ticks):
        write(tmp_path, fleets=[])
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: not made.config_loaded, "the refusal")
        assert [*ticks[-1].fleets] == ["default"]
        plugin = {"kind": "tests.fakes:FakeTarget", "world": "w"}
        other = {"name": "other", "queues": ["other"], "max_replicas": 1, "target": plugin}
        write(tmp_path, fleets=[other])
        made.reload()
        await eventually(lambda: [*ticks[-1].fleets] == ["other"], "the new config")
        assert made.config_loaded
    assert "target" in world.closed


class Unmakeable(FakeTarget):
    """A plugin with a bug at its start."""

    def __init__(self, options, context):
        raise ZeroDivisionError("oops")


async def test_bugs_of_plugins_in_a_reload_do_not_stop_the_ticks(world, tmp_path):
    path = write(tmp_path)
    other = {"name": "other", "queues": ["other"], "max_replicas": 1}
    async with daemon(path) as (made, ticks):
        plugin = {"kind": "tests.test_daemon:Unmakeable", "world": "w"}
        write(tmp_path, fleets=[{**other, "target": plugin}])
        made.reload()
        await eventually(lambda: not made.config_loaded, "the refusal")
        world.faults["close"] = ZeroDivisionError("oops")
        plugin = {"kind": "tests.fakes:FakeTarget", "world": "w"}
        write(tmp_path, fleets=[{**other, "target": plugin}])
        made.reload()
        await eventually(lambda: [*ticks[-1].fleets] == ["other"], "the new config")
        world.faults.clear()


async def test_a_tick_that_ends_in_a_bug_is_not_the_last_one(world, tmp_path):
    async with daemon(write(tmp_path)) as (made, ticks):
        world.readings["workers"] = WorkersState(ticks[0].snapshot.now, {"w": "no worker"})
        world.met.clear()
        made.wake("test")
        await eventually(lambda: "workers" in world.met, "the tick with a bug")
        before = len(ticks)
        world.readings.clear()
        made.wake("test")
        await eventually(lambda: len(ticks) > before, "the next tick")


async def test_a_second_daemon_on_the_same_state_does_not_act(world, tmp_path):
    path = write(tmp_path)
    async with daemon(path) as (_, ticks):
        await eventually(lambda: len(ticks) >= 2)
        second = Daemon(path, load(path), observers=(ticks.append,))
        await second.run_once()
        assert not ticks[-1].leader
        await second.aclose()


class OddElection(Election[Options]):
    """Lets its candidate win, and lose by a bug."""

    def stand(self, now, elapsed):
        return OddLeader()


class OddLeader(SoleLeader):
    """Raises what nobody expects, and leads all the same."""

    tries = 0
    pause_seconds = 0.01

    async def acquire(self):
        self.tries += 1
        if self.tries == 3:
            raise ZeroDivisionError("oops")
        return True

    def holds(self, for_seconds=0.0):
        return self.tries > 4


async def test_the_election_goes_on_beside_slow_ticks_and_after_bugs(world, tmp_path):
    path = write(tmp_path, leader={"kind": "tests.test_daemon:OddElection"})
    async with daemon(path) as (made, ticks):
        await eventually(lambda: ticks[-1].leader, "the tick that winning brings")
        write(tmp_path)
        with capture_logs() as logs:
            before = len(ticks)
            made.reload()
            await eventually(lambda: len(ticks) > before, "the reload")
        assert "leader changes with the next start only" in {log["event"] for log in logs}


@pytest.mark.parametrize("watch", ["watch", "watch target"])
async def test_a_bug_in_a_watch_does_not_stop_the_ticks(world, tmp_path, watch):
    world.faults[watch] = ZeroDivisionError("oops")
    async with daemon(write(tmp_path, interval_seconds=0.5)) as (_, ticks):
        await eventually(lambda: len(ticks) >= 3, "ticks")
    assert watch in world.met


def test_one_tick_says_whether_everything_could_be_read(world, tmp_path):
    assert run(write(tmp_path), once=True) == 0
    world.faults["broker"] = SOURCE_DOWN
    assert run(write(tmp_path), once=True, dry_run=True) == 1


def test_a_config_that_cannot_be_used_is_refused_at_the_start(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        run(tmp_path / "nowhere.yaml")

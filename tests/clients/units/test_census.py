"""Units are found again, seen to end, and never taken for other processes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from autoscaler.clients.units.directory import UnitDirectory, UnitRecord
from autoscaler.clients.units.processes import ProcessId
from autoscaler.errors import TargetConflict
from autoscaler.model import Fence, UnitPhase
from tests.servers import Process, eventually
from tests.units import (
    FLEET,
    MARK,
    NOW,
    SLEEP,
    add,
    drain,
    has_failed,
    is_gone,
    local,
    phases,
    pid_of,
    remove,
    rewrite,
    unit_of,
)


def write(state: Path, unit: str, process: ProcessId | None, phase: UnitPhase, **more: Any) -> None:
    """Put a record there, as a daemon that died would have left it."""
    fence = Fence(1, 1)
    directory = UnitDirectory(state, FLEET.name)
    with directory.locked():
        directory.save(
            UnitRecord(FLEET.name, unit, phase, "", NOW, fence, fence, "", process, **more)
        )


async def test_units_started_with_another_command_are_told_of(state):
    await local(state).add([add("default-1", 1)])
    with capture_logs() as logs:
        await local(state, command=["sleep", "2000"]).units(NOW)
    assert logs[0]["older_command"] == ["default-1"]


async def test_a_record_whose_launch_never_happened_is_dropped(state):
    write(state, "default-1", None, UnitPhase.PENDING)
    target = local(state)
    with capture_logs() as logs:
        assert await target.units(NOW) == ()
    assert logs[0]["event"] == "unit was not started"
    await target.add([add("default-1", 8)])
    assert await phases(target) == {"default-1": "running"}


async def test_a_launch_whose_pid_was_never_written_is_found(state):
    await local(state).add([add("default-1", 1)])
    pid = pid_of(state, "default-1")
    rewrite(state, "default-1", process=None, phase=UnitPhase.PENDING)
    target = local(state)
    with capture_logs() as logs:
        await target.add([add("default-1", 2)])
    assert pid_of(state, "default-1") == pid
    assert logs[0]["event"] == "unit found again"
    assert await phases(target) == {"default-1": "running"}


async def test_an_earlier_launch_of_the_name_is_not_taken_for_the_last(state):
    await local(state).add([add("default-1", 1)])
    pid = pid_of(state, "default-1")
    rewrite(
        state,
        "default-1",
        process=None,
        phase=UnitPhase.PENDING,
        launch=add("default-1", 2).fence,
    )
    assert await local(state).units(NOW) == ()
    assert psutil.pid_exists(pid)


async def test_units_are_found_even_when_the_state_directory_is_lost(state):
    target = local(state)
    await target.add([add("default-1", 41, term=7), add("default-2", 42, term=7)])
    pid = pid_of(state, "default-1")
    for path in sorted((state / "units" / "default").iterdir()):
        path.unlink()
    await target.add([add("default-1", 1)])
    assert pid_of(state, "default-1") == pid
    assert await phases(local(state)) == {"default-1": "running", "default-2": "running"}
    await target.mark(drain("default-1", 2), MARK)


async def test_what_a_worker_left_running_is_not_taken_for_a_worker(state):
    await local(state, command=["sleep", "3000"]).add([add("default-1", 1)])
    (state / "units" / "default" / "default-1.json").unlink()
    target = local(state)
    assert await target.units(NOW) == ()
    await target.add([add("default-1", 2)])
    assert await phases(target) == {"default-1": "running"}


async def test_two_daemons_on_one_directory_see_the_same(state):
    leader, follower = local(state), local(state)
    await leader.add([add("default-1", 1)])
    assert await phases(follower) == {"default-1": "running"}
    os.kill(pid_of(state, "default-1"), signal.SIGKILL)
    await eventually(lambda: has_failed(follower, "default-1"), "the follower's notice")
    assert await phases(leader) == {"default-1": "failed"}


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(SLEEP, tmp_path / "stranger.log")
    await process.launch()
    yield process
    await process.kill()


@pytest.mark.parametrize("started", ["1234:5", "an-earlier-boot:{ticks}"])
async def test_a_pid_that_is_another_process_now_is_never_signalled(state, stranger, started):
    ticks = (Path("/proc") / str(stranger.pid) / "stat").read_text().split()[21]
    other = ProcessId(stranger.pid, started.format(ticks=ticks))
    target = local(state, force_kill_after_seconds=0.001)
    await target.add([add("default-9", 1)])
    write(state, "default-1", other, UnitPhase.RUNNING)
    write(state, "default-2", other, UnitPhase.RUNNING, drain=MARK)
    write(state, "default-3", other, UnitPhase.TERMINATING, drain=MARK)
    assert await phases(target) == {"default-1": "failed", "default-9": "running"}
    for number in (1, 2, 3):
        await target.remove([remove(f"default-{number}", number + 1)])
    write(state, "default-4", other, UnitPhase.RUNNING, drain=MARK)
    await target.remove([remove("default-4", 6)])
    assert await phases(target) == {"default-1": "failed", "default-9": "running"}
    assert stranger.running


async def test_the_signal_goes_to_the_main_process_only(state):
    child = "import subprocess, sys; subprocess.run(['sleep', '1000']); print('child left')"
    target = local(state, command=[sys.executable, "-c", child])
    await target.add([add("default-1", 1)])
    main = psutil.Process(pid_of(state, "default-1"))
    (child,) = await eventually(main.children, "the child")
    await target.mark(drain("default-1", 2), MARK)
    await target.remove([remove("default-1", 3)])
    await eventually(lambda: is_gone(target, "default-1"), "the end of the main process")
    assert child.is_running()
    assert child.status() != psutil.STATUS_ZOMBIE
    child.kill()


async def test_a_unit_that_ends_by_itself_has_failed_for_a_minute(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    await target.mark(drain("default-1", 3), None)
    os.kill(pid_of(state, "default-1"), signal.SIGKILL)
    with capture_logs() as logs:
        await eventually(lambda: has_failed(target, "default-1"), "the failure")
    (told,) = [entry for entry in logs if entry["event"] == "unit ended by itself"]
    assert (told["unit"], told["exit_code"], told["log_level"]) == ("default-1", -9, "warning")
    assert told["log"].endswith("default-1.log")
    failed = await unit_of(target, "default-1", NOW + 59)
    assert (failed.phase, failed.drain) == (UnitPhase.FAILED, None)
    with pytest.raises(TargetConflict, match="default-1 is failed"):
        await target.mark(drain("default-1", 4), MARK)
    await target.remove([remove("default-1", 5)])
    assert await target.units(NOW + 60) == ()


async def test_a_failed_unit_may_be_replaced_under_its_name(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    os.kill(pid_of(state, "default-1"), signal.SIGKILL)
    await eventually(lambda: has_failed(target, "default-1"), "the failure")
    await target.add([add("default-1", 2, at=NOW + 50)])
    assert await phases(target, NOW + 50) == {"default-1": "running"}


async def test_a_draining_unit_that_ends_by_itself_is_gone(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    await target.mark(drain("default-1", 2), MARK)
    os.kill(pid_of(state, "default-1"), signal.SIGTERM)
    with capture_logs() as logs:
        await eventually(lambda: is_gone(target, "default-1"), "the end")
    assert [entry["event"] for entry in logs] == ["unit gone"]
    assert logs[0]["exit_code"] == -15


async def test_children_that_ended_do_not_stay_zombies(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    pid = pid_of(state, "default-1")
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: has_failed(target, "default-1"), "the failure")
    assert not psutil.pid_exists(pid)

"""Units are told to stop once, killed only by the operator's limit, and not in a crash loop."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from autoscaler.errors import TargetConflict, TargetError
from autoscaler.targets.local import Local
from tests.servers import eventually
from tests.units import (
    MARK,
    NOW,
    add,
    drain,
    has_failed,
    is_gone,
    local,
    log_of,
    phases,
    pid_of,
    remove,
)

STUBBORN = (
    sys.executable,
    "-c",
    "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); print('deaf', flush=True); s.pause()",
)


async def test_without_a_limit_a_unit_is_never_killed(state):
    target = await stopped_but_deaf(state)
    with capture_logs() as logs:
        for _ in range(10):
            assert await phases(target, NOW + 1e9) == {"default-1": "terminating"}
    assert logs == []
    with pytest.raises(TargetConflict, match="still leaving"):
        await target.add([add("default-1", 9)])


async def test_with_a_limit_it_is_killed_told_and_counted(state):
    target = await stopped_but_deaf(state, force_kill_after_seconds=0.3)
    assert await phases(target, NOW + 1e9) == {"default-1": "terminating"}, "not by wall time"
    with capture_logs() as logs:
        await eventually(lambda: is_gone(target, "default-1"), "the end")
    assert target.kills == 1
    assert [entry["event"] for entry in logs] == ["unit killed", "unit gone"]
    assert logs[1]["exit_code"] == -9


async def test_who_does_not_lead_or_is_paused_kills_nobody_until_it_does(state):
    await stopped_but_deaf(state)
    may = []
    watcher = local(state, acts=lambda: bool(may), command=STUBBORN, force_kill_after_seconds=0.001)
    for _ in range(5):
        assert await phases(watcher) == {"default-1": "terminating"}
    assert watcher.kills == 0
    may.append("act")
    await eventually(lambda: is_gone(watcher, "default-1"), "the end")
    assert watcher.kills == 1


async def test_the_signal_is_sent_once(state):
    counting = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: print('asked'));"
        "print('up', flush=True)\nwhile True: signal.pause(); sys.stdout.flush()"
    )
    target = await stopped_but_deaf(state, command=(sys.executable, "-c", counting))
    log = log_of(state, "default-1")
    await eventually(lambda: "asked" in log.read_text(), "the signal")
    for sequence in (10, 11, 12):
        await target.remove([remove("default-1", sequence)])
        await target.units(NOW)
    assert log.read_text().count("asked") == 1


async def stopped_but_deaf(state: Path, **options: Any) -> Local:
    """A target whose only unit was told to stop and does not."""
    target = local(state, **{"command": STUBBORN, **options})
    await target.add([add("default-1", 1)])
    log = log_of(state, "default-1")
    await eventually(log.read_text, "the unit's first words")
    await target.mark(drain("default-1", 2), MARK)
    await target.remove([remove("default-1", 3)])
    assert await phases(target) == {"default-1": "terminating"}
    return target


async def test_units_that_end_at_once_are_not_started_over_and_over(state):
    target = local(state, command=["sh", "-c", "echo no broker; exit 3"])
    await target.add([add("default-1", 1)])
    await eventually(lambda: has_failed(target, "default-1"), "the failure")
    with pytest.raises(TargetError, match=r"1 times in a row, last default-1 with exit code 3"):
        await target.add([add("default-2", 2)])
    assert "no broker" in log_of(state, "default-1").read_text()
    await target.add([add("default-2", 3, at=NOW + 5)])
    await eventually(lambda: has_failed(target, "default-2", NOW + 6), "the next failure")
    with pytest.raises(TargetError, match=r"2 times in a row.*the next is tried in 8 s"):
        await target.add([add("default-3", 4, at=NOW + 8)])
    with pytest.raises(TargetError, match="2 times in a row"):
        await local(state).add([add("default-3", 5, at=NOW + 10)])
    assert sorted(await phases(target, NOW + 10)) == ["default-1", "default-2"]


async def test_a_unit_that_lasts_ends_the_wait(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    os.kill(pid_of(state, "default-1"), signal.SIGKILL)
    await eventually(lambda: has_failed(target, "default-1"), "the failure")
    await target.add([add("default-2", 2, at=NOW + 10)])
    await target.units(NOW + 40)
    os.kill(pid_of(state, "default-2"), signal.SIGKILL)
    await eventually(lambda: has_failed(target, "default-2", NOW + 45), "a late failure")
    await target.add([add("default-3", 3, at=NOW + 45)])
    assert (await phases(target, NOW + 45))["default-3"] == "running"


async def test_a_command_that_does_not_exist_leaves_nothing_behind(state):
    target = local(state, command=["no-such-program"])
    with pytest.raises(TargetError, match=r"No such file.*no-such-program.*check command"):
        await target.add([add("default-1", 1)])
    assert await target.units(NOW) == ()

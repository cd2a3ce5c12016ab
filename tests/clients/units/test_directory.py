"""Records that are damaged, moved or not ours stop the fleet; files are private and bounded."""

from __future__ import annotations

import json

import psutil
import pytest

from autoscaler.clients.units.directory import UnitDirectory
from autoscaler.errors import TargetError
from tests.units import (
    FLEET,
    NOW,
    add,
    local,
    phases,
    pid_of,
    remove,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "Invalid JSON"),
        ('{"version": 1, "content": {"fleet": "default"}}', "content.name: Field required"),
        ('{"version": 9}', "version"),
    ],
)
async def test_a_damaged_record_stops_the_fleet_and_says_what_to_do(state, text, fault):
    target = local(state)
    await target.add([add("default-1", 1)])
    path = state / "units" / "default" / "default-1.json"
    pid = pid_of(state, "default-1")
    path.write_text(text)
    with pytest.raises(TargetError, match=fault) as caught:
        await target.units(NOW)
    assert str(path) in str(caught.value)
    assert "then delete the file" in str(caught.value)
    with pytest.raises(TargetError):
        await target.add([add("default-1", 2)])
    with pytest.raises(TargetError):
        await target.remove([remove("default-1", 3)])
    assert psutil.pid_exists(pid)
    path.unlink()
    await target.add([add("default-1", 4)])
    assert pid_of(state, "default-1") == pid, "the process is found, no second one started"


async def test_a_record_that_was_moved_is_not_believed(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    path = state / "units" / "default" / "default-1.json"
    path.rename(path.with_name("default-2.json"))
    with pytest.raises(TargetError, match="tells of default/default-1"):
        await target.units(NOW)


async def test_what_is_not_a_record_is_left_alone(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    for name in ("notes.txt", "no such unit!.json", ".hidden.json"):
        (state / "units" / "default" / name).write_text("{")
    assert await phases(target) == {"default-1": "running"}


async def test_a_damaged_record_of_the_fleet_stops_it(state):
    target = local(state)
    await target.add([add("default-1", 1)])
    (state / "units" / "default" / ".fleet.json").write_text(json.dumps({"version": 1}))
    with pytest.raises(TargetError, match="no unit is lost by that"):
        await target.units(NOW)


async def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TargetError, match="cannot be used: Not a directory"):
        await local(tmp_path / "file").units(NOW)


async def test_a_unit_name_that_is_no_file_name_is_refused(state):
    target = local(state)
    with pytest.raises(TargetError, match="cannot be the name of a unit"):
        await target.add([add("../escape", 1)])
    assert await target.units(NOW) == ()


async def test_a_large_log_is_put_aside_before_a_start(state):
    directory = UnitDirectory(state, FLEET.name)
    directory.path.mkdir(parents=True)
    with directory.log("default-1").open("wb") as log:
        log.truncate(10_000_001)
    directory.log("default-2").write_text("kept\n")
    await local(state).add([add("default-1", 1), add("default-2", 2)])
    assert directory.log("default-1").stat().st_size == 0
    assert (directory.path / "default-1.log.1").stat().st_size == 10_000_001
    assert directory.log("default-2").read_text() == "kept\n"


async def test_files_are_for_our_eyes_only(state):
    await local(state).add([add("default-1", 1)])
    directory = state / "units" / "default"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "default-1.json").stat().st_mode & 0o777 == 0o600


async def test_files_that_another_process_works_on_are_not_touched(state):
    target = local(state)
    with (
        UnitDirectory(state, FLEET.name).locked(),
        pytest.raises(TargetError, match="is locked by another process"),
    ):
        await target.add([add("default-1", 1)])
    assert await target.units(NOW) == ()


async def test_a_log_that_cannot_be_put_aside_is_an_error(state):
    target = local(state)
    directory = UnitDirectory(state, FLEET.name)
    (directory.path / "default-1.log.1").mkdir(parents=True)
    with directory.log("default-1").open("wb") as log:
        log.truncate(10_000_001)
    with pytest.raises(TargetError, match="cannot be rotated: Is a directory"):
        await target.add([add("default-1", 1)])
    assert await target.units(NOW) == ()

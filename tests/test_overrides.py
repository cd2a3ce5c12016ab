"""Operators' overrides outlive restarts, expire only loudly, and are never lost in silence."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.errors import StateError
from autoscaler.model import Override
from autoscaler.overrides import Overrides

PAUSE = Override("default", "migration", "ada", created_at=100.0, expires_at=200.0)
HOLD = Override("high", "sale", "bob", created_at=110.0, replicas=8)


@pytest.fixture
def overrides(tmp_path: Path) -> Overrides:
    found = Overrides(tmp_path)
    found.set(PAUSE)
    found.set(HOLD)
    return found


def test_without_a_file_nothing_is_overridden(tmp_path):
    assert Overrides(tmp_path / "not-there-yet").active("default", 100) is None


def test_they_are_in_force_until_they_expire(overrides):
    assert overrides.active("default", 199.9) == PAUSE
    assert overrides.active("default", 200) is None
    assert overrides.active("high", 1e12) == HOLD
    assert overrides.active("other", 150) is None


def test_they_survive_a_restart(overrides, tmp_path):
    again = Overrides(tmp_path)
    assert again.active("default", 150) == PAUSE
    assert again.active("high", 150) == HOLD


def test_a_second_daemon_on_the_directory_sees_what_the_first_was_told(overrides, tmp_path):
    other = Overrides(tmp_path)
    assert other.active("high", 150) == HOLD
    overrides.clear("high", 160)
    assert other.active("high", 160) is None
    assert other.active("default", 160) == PAUSE


def test_a_new_one_takes_the_place_of_the_old(overrides, tmp_path):
    shorter = replace(PAUSE, replicas=3, expires_at=150.0)
    overrides.set(shorter)
    assert Overrides(tmp_path).active("default", 120) == shorter


def test_clearing_says_what_was_ended(overrides, tmp_path):
    assert overrides.clear("default", 150) == PAUSE
    assert overrides.clear("default", 150) is None
    assert Overrides(tmp_path).active("default", 150) is None


def test_each_expiry_is_told_once_and_not_again_after_a_restart(overrides, tmp_path):
    assert overrides.expire(199) == ()
    assert overrides.expire(200) == (PAUSE,)
    assert overrides.expire(205) == ()
    again = Overrides(tmp_path)
    assert again.expire(205) == ()
    assert again.active("high", 205) == HOLD


def test_an_expiry_during_a_downtime_is_told_at_the_next_start(overrides, tmp_path):
    assert Overrides(tmp_path).expire(5000) == (PAUSE,)


def test_an_expiry_that_cannot_be_written_is_told_once_all_the_same(overrides, tmp_path):
    blocked = tmp_path / "overrides.json"
    text = blocked.read_text()
    again = Overrides(tmp_path)
    assert again.active("default", 150) == PAUSE
    block_writing(tmp_path)
    assert again.expire(200) == (PAUSE,)
    assert again.expire(205) == ()
    assert again.active("default", 205) is None
    assert blocked.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        '{"version": 2, "content": []}',
        '{"version": 1, "content": [{"fleet": "default"}]}',
        '{"version": 1, "content": [], "more": 1}',
        '{"version": 1, "content": [{"fleet": "f", "reason": "", "actor": "", "created_at": NaN}]}',
    ],
)
def test_a_damaged_file_pauses_every_fleet_and_says_why(tmp_path, text):
    path = tmp_path / "overrides.json"
    path.write_text(text)
    overrides = Overrides(tmp_path)
    pause = overrides.active("default", 50)
    assert pause is not None
    assert pause.replicas is None
    assert pause.expires_at is None
    assert str(path) in pause.reason
    assert "mend it, or delete it" in pause.reason
    assert overrides.active("default", 60) == pause, "it is the same pause as before"
    assert overrides.expire(1e12) == ()
    with pytest.raises(StateError, match="damaged or not ours"):
        overrides.set(PAUSE)
    with pytest.raises(StateError, match="damaged or not ours"):
        overrides.clear("default", 60)
    assert path.read_text() == text


def test_damage_that_is_mended_is_over_without_a_restart(overrides, tmp_path):
    path = tmp_path / "overrides.json"
    text = path.read_text()
    path.write_text(text[:-5])
    assert overrides.active("other", 150) is not None
    path.write_text(text)
    assert overrides.active("other", 150) is None
    assert overrides.active("default", 150) == PAUSE


def test_a_file_that_cannot_be_opened_pauses_as_well(tmp_path):
    (tmp_path / "overrides.json").mkdir()
    pause = Overrides(tmp_path).active("default", 50)
    assert pause is not None
    assert "cannot be read: Is a directory" in pause.reason


def test_a_file_of_absurd_size_is_not_read(tmp_path):
    (tmp_path / "overrides.json").write_text(json.dumps("x" * 5_000_000))
    pause = Overrides(tmp_path).active("default", 50)
    assert pause is not None
    assert "larger than" in pause.reason


def block_writing(directory: Path) -> None:
    """Make the next write of this process fail, even for root: its new file is a directory."""
    (directory / f"overrides.json.{os.getpid()}.new").mkdir()

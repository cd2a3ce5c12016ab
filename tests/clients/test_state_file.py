"""State files hold the old record or the new one, whole, and nothing else is believed."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoscaler.clients.state_file import StateFormat, delete
from autoscaler.errors import StateError
from tests.servers import TESTS

WRITE_FOREVER = """
import sys
from pathlib import Path
from tests.clients.test_state_file import NOTES, Note

number = 0
while True:
    number += 1
    NOTES.write(Path(sys.argv[1]), Note(number, "x" * 50_000))
    print(number, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Note:
    number: int
    text: str = ""


NOTES = StateFormat(Note, "write it anew")


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "new" / "note.json"
    assert NOTES.read(path) is None
    NOTES.write(path, Note(1, "ä\n"))
    NOTES.write(path, Note(2, "ö"))
    assert NOTES.read(path) == Note(2, "ö")
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_writer_that_is_killed_leaves_a_whole_record(tmp_path):
    path = tmp_path / "note.json"
    command = [sys.executable, "-c", WRITE_FOREVER, str(path)]
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TESTS.parent) as writer:
            assert writer.stdout is not None
            done = [int(writer.stdout.readline()) for _ in range(5)]
            writer.kill()
        found = NOTES.read(path)
        assert found is not None
        assert found.number >= done[-1]
        assert len(found.text) == 50_000


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b'{"version": 1, "content": {"number": 1, "more": 1}}', "content.more"),
        (b'{"version": 1, "content": {"number": NaN}}', "content.number"),
        (b'{"version": 2, "content": {"number": 1}}', "version: Input should be 1"),
        (b'{"content": {"number": 1}}', "version: Field required"),
        (b" " * 5_000_000, "larger than"),
    ],
)
def test_nothing_else_is_believed(tmp_path, text, fault):
    path = tmp_path / "note.json"
    path.write_bytes(text)
    with pytest.raises(StateError, match=fault) as caught:
        NOTES.read(path)
    assert str(caught.value).startswith(f"{path} is damaged or not ours (")
    assert str(caught.value).endswith("): write it anew")


def test_what_cannot_be_read_written_or_deleted_is_an_error(tmp_path):
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be read: Is a directory"):
        NOTES.read(tmp_path / "directory")
    with pytest.raises(StateError, match="cannot be written: File exists"):
        NOTES.write(tmp_path / "file" / "note.json", Note(1))
    with pytest.raises(StateError, match="cannot be deleted: Is a directory"):
        delete(tmp_path / "directory")


def test_deleting_is_done_once(tmp_path):
    path = tmp_path / "note.json"
    NOTES.write(path, Note(1))
    delete(path)
    delete(path)
    assert NOTES.read(path) is None


def test_a_failed_write_keeps_the_old_record(tmp_path: Path):
    path = tmp_path / "note.json"
    NOTES.write(path, Note(1))
    path.with_name(f"note.json.{os.getpid()}.new").mkdir()
    with pytest.raises(StateError, match="cannot be written"):
        NOTES.write(path, Note(2))
    assert NOTES.read(path) == Note(1)

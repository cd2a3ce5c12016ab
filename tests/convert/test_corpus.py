"""Every broken input of testdata/convert/invalid, beside the exact message that it must give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoscaler.convert.input import Text, convert
from autoscaler.errors import ConfigError
from tests.config.seconds import within_a_second

INVALID = Path(__file__).parent.parent / "testdata" / "convert" / "invalid"
CASES = sorted(INVALID.glob("*.yaml"))
FAULT = re.compile(r"[\w.]+\.yaml:[1-9][0-9]*: [^ ]+: .+")


def namespace_of(path: Path) -> str:
    """Given to all but those that are about its absence."""
    return "" if path.stem.endswith("without_namespace") else "shop"


def message_of(path: Path) -> str:
    with within_a_second(), pytest.raises(ConfigError) as caught:
        convert([Text(path.name, path.read_text(encoding="utf-8"))], namespace_of(path))
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_message(path: Path) -> None:
    assert message_of(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_corpus_is_large_and_complete() -> None:
    assert len(CASES) >= 40
    assert {path.stem for path in CASES} == {path.stem for path in INVALID.glob("*.txt")}


def test_every_fault_has_file_line_path_and_message() -> None:
    for path in INVALID.glob("*.txt"):
        assert all(map(FAULT.fullmatch, path.read_text(encoding="utf-8").splitlines())), path

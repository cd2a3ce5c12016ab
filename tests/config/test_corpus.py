"""Every broken config of testdata/invalid, beside the exact message that it must give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoscaler.config import load
from autoscaler.errors import ConfigError
from tests.config.seconds import within_a_second

INVALID = Path(__file__).parent.parent / "testdata" / "invalid"
CASES = sorted(INVALID.glob("*.yaml"))
SETS_VARIABLE = re.compile(r"# environment: (\w+)=(\S*)")
FAULT = re.compile(r"[\w.]+\.yaml:[1-9][0-9]*: [^ ]+: .+")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(INVALID)
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://127.0.0.1:6379/0")
    if found := SETS_VARIABLE.search(path.read_text(encoding="utf-8")):
        monkeypatch.setenv(*found.groups())
    with within_a_second(), pytest.raises(ConfigError) as caught:
        load(path.name)
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_corpus_is_large_and_complete() -> None:
    assert len(CASES) >= 60
    assert {path.stem for path in CASES} == {path.stem for path in INVALID.glob("*.txt")}


def test_every_fault_has_file_line_path_and_message() -> None:
    for path in INVALID.glob("*.txt"):
        *faults, last = path.read_text(encoding="utf-8").splitlines()
        if path.stem != "hundreds_of_faults":
            faults.append(last)
        assert all(map(FAULT.fullmatch, faults)), path

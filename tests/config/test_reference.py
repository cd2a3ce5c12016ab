"""docs/configuration.md: its tables are those of the code, its examples load."""

from __future__ import annotations

import re

import pytest

from autoscaler.config import parse
from tests.config.reference import MARK, PAGE, generated

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_tables_are_current() -> None:
    assert TEXT.partition(MARK)[2] == generated(), "run: python -m tests.config.reference"


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_load(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://127.0.0.1:6379/0")
    assert parse(example).warnings() == ()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2

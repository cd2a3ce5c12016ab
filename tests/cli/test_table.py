"""Tables, colours and sparklines."""

from __future__ import annotations

import io

import pytest

from autoscaler.cli.table import DIM, GREEN, colors_on, painted, sparkline, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_is_aligned_and_numbers_go_right() -> None:
    shown = table(("fleet", "now"), [["default", "3"], [(GREEN, "etl"), "12"]], io.StringIO())
    assert shown.splitlines() == ["FLEET    NOW", "default    3", "etl       12"]
    assert table(("fleet",), [], io.StringIO()) == "FLEET"


def test_a_terminal_gets_colours_and_no_line_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "12")
    shown = table(("fleet", "why"), [[(GREEN, "default"), "a long reason"]], Terminal())
    assert "\x1b[32mdefault\x1b[0m" in shown
    assert shown.splitlines()[1].endswith("a …")


def test_no_colours_where_nobody_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colors_on(Terminal())
    assert not colors_on(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "")
    assert not colors_on(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not colors_on(Terminal())


def test_painted_cuts_off_and_leaves_what_fits() -> None:
    parts = [(GREEN, "abc"), (DIM, "defg")]
    assert painted(parts, 7, colors=False) == "abcdefg"
    assert painted(parts, 5, colors=False) == "abcd…"
    assert painted(parts, 3, colors=True) == "\x1b[32mabc\x1b[0m"


@pytest.mark.parametrize(
    ("values", "width", "top", "line"),
    [
        ([], 3, None, "   "),
        ([0, 0], 4, None, "▁▁  "),
        ([0, 4, 8], 3, None, "▁▅█"),
        ([1, None, 2], 3, 2, "▅ █"),
        ([1, 8, 1, 1], 2, 8, "█▂"),
        ([20], 1, 10, "█"),
    ],
)
def test_sparkline(values: list[float | None], width: int, top: float | None, line: str) -> None:
    assert sparkline(values, width, top) == line

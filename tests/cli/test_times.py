"""Durations and times as people type them."""

from __future__ import annotations

import argparse

import pytest

from autoscaler.cli.times import lasting, moment, seconds, written

NOON = 1_700_049_600.0  # 2023-11-15T12:00:00Z


@pytest.mark.parametrize(
    ("text", "total"),
    [("90", 90), ("90s", 90), ("15m", 900), ("15min", 900), ("1h30m", 5400), ("1.5h", 5400)],
)
def test_durations(text: str, total: float) -> None:
    assert seconds(text) == total
    assert seconds(text.upper()) == total


@pytest.mark.parametrize("text", ["", "0", "0s", "-5m", "2 hours", "h", "1h 30m", "1w", "1e3"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seconds(text)


def test_forever() -> None:
    assert lasting("Forever") is None
    assert lasting("2h") == 7200


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", NOON - 7200),
        ("1h30m ago", NOON - 5400),
        ("11:30", NOON - 1800),
        ("9:30", NOON - 9000),
        ("12:00:01", NOON + 1 - 86_400),
        ("2023-11-15T13:00:00+01:00", NOON),
        ("2023-11-15 12:00", NOON),
        ("1700049600", NOON),
    ],
)
def test_moments(text: str, at: float) -> None:
    assert moment(text, NOON) == at


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2023-13-01", "0s"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write 2h"):
        moment(text, NOON)


@pytest.mark.parametrize(
    ("total", "text"), [(0, "0s"), (90, "1m30s"), (5400, "1h30m"), (90_000.5, "1d1h0.5s")]
)
def test_written(total: float, text: str) -> None:
    assert written(total) == text

"""How numbers and times are said to people: short, in UTC, the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime


def clock_time(at: float) -> str:
    """The time of day of a Unix time, to the second: `14:03:20 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S UTC")


def span(seconds: float) -> str:
    """A duration: `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`; a negative one is `0 s`."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def count(number: int, noun: str) -> str:
    """`1 replica`, `3 replicas`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sentence(text: str) -> str:
    """The text with one full stop, unless it ends as a question; its first word may be a name."""
    said = text.strip().rstrip(".")
    return said if said.endswith("?") else f"{said}."

"""Times of the database as ours."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_of(time: datetime, skew: float) -> float:
    """Unix seconds by our clock. MySQL's times have no zone: they are in UTC."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() - skew


def maybe_seconds(time: datetime | None, skew: float) -> float | None:
    """The same, or None."""
    return None if time is None else seconds_of(time, skew)

"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """Unix seconds in whole seconds, as metav1.Time has them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def restamped(text: str) -> str:
    """A time as others write it, such as with +00:00, as the API gives it back."""
    return stamp(unix(text))


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

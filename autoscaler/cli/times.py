"""Durations and times as people type them."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, time

UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
FOREVER = "forever"
_PART = re.compile(r"(\d+(?:\.\d+)?)(s|min|m|h|d)")


def seconds(text: str) -> float:
    """`90s`, `15m`, `2h`, `1h30m`, `1d`; a bare number is seconds. For argparse."""
    bare = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", bare):
        total = float(bare)
    elif re.fullmatch(f"({_PART.pattern})+", bare):
        total = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(bare))
    else:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 90s, 15m, 2h or 1h30m")
    if total <= 0:
        raise argparse.ArgumentTypeError("must be longer than nothing")
    return total


def written(total: float) -> str:
    """A duration as `seconds` reads it, exactly: `1h30m`, `0s`."""
    left, text = total, ""
    for unit in ("d", "h", "m"):
        number, left = divmod(left, UNITS[unit])
        text += f"{number:g}{unit}" if number else ""
    return f"{text}{left:g}s" if left or not text else text


def lasting(text: str) -> float | None:
    """A duration, or `forever`, which is None. For argparse."""
    return None if text.strip().lower() == FOREVER else seconds(text)


def moment(text: str, now: float) -> float:
    """`2h` (ago), `14:03` (UTC, the last time it was that), a date and time, or Unix seconds.

    Returns Unix seconds. Raises ValueError with what to write.
    """
    try:
        return now - seconds(text.removesuffix(" ago")) if _is_span(text) else _absolute(text, now)
    except (ValueError, OverflowError, argparse.ArgumentTypeError):
        raise ValueError(
            f"{text!r} is no time; write 2h (ago), 14:03 (UTC) or 2026-11-22T14:03:20Z"
        ) from None


def _is_span(text: str) -> bool:
    return bool(re.fullmatch(f"({_PART.pattern})+( ago)?", text.strip().lower()))


def _absolute(text: str, now: float) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        clock = time.fromisoformat(text.zfill(5))
        today = datetime.fromtimestamp(now, UTC)
        at = datetime.combine(today.date(), clock, UTC).timestamp()
        return at if at <= now else at - UNITS["d"]
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()

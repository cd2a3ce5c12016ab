"""When a cron expression comes, in local time.

As in Debian's cron, a fixed time that daylight saving skips comes right after the gap, and one that
it repeats comes once.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

HOUR = 3600
CLOCK_SHIFT = 2 * HOUR
FIELDS, WITH_SECONDS = 5, 6
LONGEST_CRON = 500
_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_RANGES = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31 or L, in a month that has it",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT",
}


def checked_cron(cron: str) -> str:
    """The expression, of five fields. Raises ValueError, with what to write instead."""
    if len(cron.split()) != FIELDS or len(cron) > LONGEST_CRON:
        raise ValueError(f"must have the five fields {' '.join(_RANGES)}, not {cron[:80]!r}")
    return _parsed(cron)


def checked_cron_with_seconds(cron: str) -> str:
    """The expression, of five fields, or six of which the first is the second. As above."""
    if len(cron.split()) != WITH_SECONDS or len(cron) > LONGEST_CRON:
        return checked_cron(cron)
    return _parsed(cron)


def _parsed(cron: str) -> str:
    try:
        first = next(CronSim(cron, _ANY_DAY), None)
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        wanted = {**_RANGES, "second": "0-59"}.get(field, "a number")
        raise ValueError(f"the {field} in {cron[:80]!r} is wrong; write {wanted}") from error
    if first is None:
        raise ValueError(f"{cron[:80]!r} never comes")
    return cron


def checked_timezone(name: str) -> str:
    """The IANA name. Raises ValueError, with what was perhaps meant."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        guesses = get_close_matches(name[:80], available_timezones(), n=1)
        guess = f"; did you mean {guesses[0]!r}?" if guesses else " such as 'Europe/Berlin'"
        raise ValueError(f"{name[:80]!r} is not an IANA timezone{guess}") from error
    return name


def window_around(cron: str, timezone: str, now: float) -> tuple[float, float]:
    """The last time of a cron expression that is not after `now`, and the first one after it.

    Unix seconds.
    """
    times = _times_around(cron, timezone, int(now // HOUR))
    place = bisect_right(times, now)
    return times[place - 1], times[place]


def times_between(cron: str, timezone: str, after: float, before: float) -> tuple[float, ...]:
    """The times later than `after` and earlier than `before`, in order. Unix seconds."""
    times = []
    _, time = window_around(cron, timezone, after)
    while time < before:
        times.append(time)
        _, time = window_around(cron, timezone, time)
    return tuple(times)


@lru_cache(maxsize=4096)
def _times_around(cron: str, timezone: str, hour: int) -> tuple[float, ...]:
    """The times of one hour since 1970, the last before it and the first after it, at least."""
    start = hour * HOUR
    later = _calm_time_after(start + HOUR, ZoneInfo(timezone))
    backwards = CronSim(cron, later, reverse=True)
    times = [next(CronSim(cron, later - timedelta(seconds=1))).timestamp()]
    while times[-1] > start:
        times.append(next(backwards).timestamp())
    return tuple(reversed(times))


def _calm_time_after(at: float, zone: ZoneInfo) -> datetime:
    """A time soon after `at` with no change of the clock near it: a search begun there misses none.

    Begun in an hour that the clock skips or repeats, it would.
    """
    while True:
        at += CLOCK_SHIFT
        around = (datetime.fromtimestamp(at + by, zone) for by in (-CLOCK_SHIFT, 0, CLOCK_SHIFT))
        before, time, after = around
        if before.utcoffset() == after.utcoffset():
            return time

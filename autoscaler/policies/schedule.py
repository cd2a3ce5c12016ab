"""A floor or a ceiling of replicas while a cron window is open, in local time.

A window opens at each time of `cron` and stays open for `duration_seconds`. As in Debian's cron, a
fixed time that daylight saving skips comes right after the gap, and one that it repeats comes once.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Self
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from autoscaler.interfaces import Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation

HOUR = 3600
CLOCK_SHIFT = 2 * HOUR
FIELDS = 5
LONGEST_CRON = 500
_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_RANGES = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31 or L, in a month that has it",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT",
}


def _checked_cron(cron: str) -> str:
    if len(cron.split()) != FIELDS or len(cron) > LONGEST_CRON:
        raise ValueError(f"must have the five fields {' '.join(_RANGES)}, not {cron[:80]!r}")
    try:
        first = next(CronSim(cron, _ANY_DAY), None)
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        wanted = _RANGES.get(field, "a number")
        raise ValueError(f"the {field} in {cron[:80]!r} is wrong; write {wanted}") from error
    if first is None:
        raise ValueError(f"{cron[:80]!r} never comes")
    return cron


def _checked_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        guesses = get_close_matches(name[:80], available_timezones(), n=1)
        guess = f"; did you mean {guesses[0]!r}?" if guesses else " such as 'Europe/Berlin'"
        raise ValueError(f"{name[:80]!r} is not an IANA timezone{guess}") from error
    return name


class ScheduleOptions(Options):
    """When, and how many."""

    cron: Annotated[str, AfterValidator(_checked_cron)] = Field(
        description="when the window opens: minute hour day-of-month month day-of-week"
    )
    timezone: Annotated[str, AfterValidator(_checked_timezone)] = Field(
        default="UTC", description="IANA name of the timezone of cron, such as Europe/Berlin"
    )
    duration_seconds: float = Field(
        strict=True, ge=1, le=366 * 24 * HOUR, description="how long the window stays open"
    )
    min_replicas: int | None = Field(
        default=None, strict=True, ge=0, description="floor: never fewer while it is open"
    )
    max_replicas: int | None = Field(
        default=None, strict=True, ge=0, description="ceiling: never more while it is open"
    )

    @model_validator(mode="after")
    def _floor_or_ceiling(self) -> Self:
        if self.min_replicas is None and self.max_replicas is None:
            raise ValueError("does nothing; give min_replicas, max_replicas or both")
        if None not in (self.min_replicas, self.max_replicas) and self._crossed():
            raise ValueError(f"min_replicas {self.min_replicas} is more than max_replicas")
        return self

    def _crossed(self) -> bool:
        return (self.min_replicas or 0) > (self.max_replicas or 0)


class Schedule(Policy[ScheduleOptions]):
    """Recommends the floor while the window is open; outside of it neither holds nor lowers."""

    options_type = ScheduleOptions

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        options, name = self.options, self.context.name
        opened, opens = window_around(options.cron, options.timezone, snapshot.now)
        if snapshot.now >= opened + options.duration_seconds:
            message = f"outside its window, next at {self._local(opens)}"
            return Recommendation(name, 0, "OutsideSchedule", message, active=False)
        floor, ceiling = options.min_replicas, options.max_replicas
        asked = [
            f"at least {floor}" if floor is not None else "",
            f"at most {ceiling}" if ceiling is not None else "",
        ]
        until = self._local(opened + options.duration_seconds)
        message = f"{' and '.join(filter(None, asked))} until {until}"
        return Recommendation(
            name, floor or 0, "InSchedule", message, ceiling, active=bool(floor), planned=True
        )

    def _local(self, at: float) -> str:
        local = datetime.fromtimestamp(at, ZoneInfo(self.options.timezone))
        return local.strftime("%a %Y-%m-%d %H:%M %Z")


def window_around(cron: str, timezone: str, now: float) -> tuple[float, float]:
    """The last time of a cron expression that is not after `now`, and the first one after it.

    Unix seconds.
    """
    times = _times_around(cron, timezone, int(now // HOUR))
    place = bisect_right(times, now)
    return times[place - 1], times[place]


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

"""A floor or a ceiling of replicas while a cron window is open, in local time.

A window opens at each time of `cron` and stays open for `duration_seconds`. As in Debian's cron, a
fixed time that daylight saving skips comes right after the gap, and one that it repeats comes once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from autoscaler.engine.cron import checked_cron, checked_timezone, window_around
from autoscaler.interfaces import Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation

LONGEST_SECONDS = 366 * 24 * 3600


class ScheduleOptions(Options):
    """When, and how many."""

    cron: Annotated[str, AfterValidator(checked_cron)] = Field(
        description="when the window opens: minute hour day-of-month month day-of-week"
    )
    timezone: Annotated[str, AfterValidator(checked_timezone)] = Field(
        default="UTC", description="IANA name of the timezone of cron, such as Europe/Berlin"
    )
    duration_seconds: float = Field(
        strict=True, ge=1, le=LONGEST_SECONDS, description="how long the window stays open"
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

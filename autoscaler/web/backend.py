"""What the API answers from: the daemon's records, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from autoscaler.interfaces import Leadership
from autoscaler.model import FleetTick, Outcome, Tick
from autoscaler.overrides import Overrides
from autoscaler.secret import Secret
from autoscaler.telemetry.journal import Journal
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.recent import Recent
from autoscaler.web.problems import Problem

Drain = Callable[[str, str, str], Awaitable[Outcome]]


@dataclass(slots=True)
class Backend:
    """One for each daemon; `token`, `interval_seconds` and `drain` are set anew on a reload.

    now: Unix seconds by the daemon's clock. wake: asks for a tick at once. drain: drains a fleet's
    unit for a reason, where the controller offers it. leadership: None where there is no second
    daemon. Nothing here is ever awaited by the loop.
    """

    recent: Recent
    metrics: Metrics
    overrides: Overrides
    now: Callable[[], float]
    wake: Callable[[str], None]
    journal: Journal | None = None
    token: Secret | None = None
    interval_seconds: float = 5.0
    drain: Drain | None = None
    leadership: Leadership | None = None

    def tick(self) -> Tick:
        """The last tick. Raises Problem until there is one."""
        if self.recent.tick is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "nothing is known yet: the first tick is not over",
                hint="ask again in a moment",
                headers={"Retry-After": str(max(1, round(self.interval_seconds)))},
            )
        return self.recent.tick

    def must_lead(self) -> None:
        """Raises Problem unless what is changed here is what the leader goes by."""
        leadership = self.leadership
        if leadership is None or leadership.holds():
            return
        if leadership.led_by:
            raise Problem(
                HTTPStatus.CONFLICT,
                f"this daemon is not the leader; the leader is {leadership.led_by}",
                hint="ask that one: what is changed here would not hold there",
            )
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"nobody leads, as far as is known here: {leadership.reason}",
            hint="nothing is scaled meanwhile; ask again once there is a leader",
            headers={"Retry-After": str(max(1, round(self.interval_seconds)))},
        )

    def fleet(self, name: str) -> FleetTick:
        """A fleet's part of the last tick. Raises Problem when there is no such fleet."""
        fleets = self.tick().fleets
        if name not in fleets:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                f"no fleet is called {name!r}",
                hint=f"there are: {', '.join(sorted(fleets))}",
            )
        return fleets[name]

    def age_seconds(self) -> float:
        """How long ago the last tick began."""
        return max(0.0, round(self.now() - self.tick().snapshot.now, 3))


BACKEND = web.AppKey("backend", Backend)

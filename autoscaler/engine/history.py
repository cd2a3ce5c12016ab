"""What one fleet's decisions remember: recommendations, carried-out changes, the guards' notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.idling import Idling
from autoscaler.model import Behavior, ScalingRules


@dataclass(frozen=True, slots=True)
class LoggedRecommendation:
    """What was recommended at `at` (Unix seconds), before stabilization and limits."""

    replicas: int
    at: float


@dataclass(frozen=True, slots=True)
class ScaleEvent:
    """A change of `replicas` (never negative) that succeeded at `at` (Unix seconds).

    outdated: older than the longest period of its direction's limits, so its slot is free.
    """

    replicas: int
    at: float
    outdated: bool = False


Entry = TypeVar("Entry", bound="LoggedRecommendation | ScaleEvent")


@dataclass(frozen=True, slots=True)
class History:
    """A value: every method returns the next one. The order of slots is the HPA's.

    recommendations None: nothing is remembered, as after a restart.
    """

    recommendations: tuple[LoggedRecommendation, ...] | None = None
    ups: tuple[ScaleEvent, ...] = ()
    downs: tuple[ScaleEvent, ...] = ()
    guard: GuardMemory = field(default_factory=GuardMemory)
    idling: Idling = field(default_factory=Idling)

    def until(self, now: float) -> History:
        """As it is, or, when the clock was set back, with everything as old as at the last tick.

        It would count until the clock has caught up otherwise. How long all was known is doubtful.
        """
        log, guard = self.recommendations, self.guard
        back = max(0.0, (guard.last_tick_at or 0.0) - now)
        if not back:
            return self
        return replace(
            self,
            recommendations=None if log is None else _earlier(back, log),
            ups=_earlier(back, self.ups),
            downs=_earlier(back, self.downs),
            guard=guard.set_back(back),
            idling=self.idling.set_back(back),
        )

    def seeded(self, current: int, now: float) -> History:
        """With the present size as first recommendation, so that a restart lowers nothing."""
        if self.recommendations is not None:
            return self
        return replace(self, recommendations=(LoggedRecommendation(current, now),))

    def recommended(self, replicas: int, now: float, longest_window_seconds: float) -> History:
        """With a recommendation logged, in the last slot that no window covers any more."""
        log = self.recommendations or ()
        entry = LoggedRecommendation(replicas, now)
        cutoff = now - longest_window_seconds
        slot = _last(index for index, logged in enumerate(log) if logged.at < cutoff)
        return replace(self, recommendations=_put(log, slot, entry))

    def scaled(self, before: int, after: int, now: float, behavior: Behavior | None) -> History:
        """With a change that has succeeded. Without behavior no limit asks for it later."""
        guard = self.guard.shrunk(now, before - after) if after < before else self.guard
        if behavior is None or after == before:
            return replace(self, guard=guard)
        event = ScaleEvent(abs(after - before), now)
        if after > before:
            return replace(self, ups=_stored(self.ups, event, behavior.scale_up), guard=guard)
        return replace(self, downs=_stored(self.downs, event, behavior.scale_down), guard=guard)


def change_in_period(events: Iterable[ScaleEvent], period_seconds: float, now: float) -> int:
    """How many replicas these events changed within the period that ends now."""
    cutoff = now - period_seconds
    return sum(event.replicas for event in events if event.at > cutoff)


def _stored(
    events: tuple[ScaleEvent, ...], event: ScaleEvent, rules: ScalingRules
) -> tuple[ScaleEvent, ...]:
    longest = max((limit.period_seconds for limit in rules.limits), default=0)
    cutoff = event.at - longest
    marked = tuple(replace(e, outdated=True) if e.at < cutoff else e for e in events)
    slot = _last(index for index, marked_event in enumerate(marked) if marked_event.outdated)
    return _put(marked, slot, event)


def _earlier(seconds: float, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(replace(entry, at=entry.at - seconds) for entry in entries)


def _last(indices: Iterable[int]) -> int | None:
    return max(indices, default=None)


def _put(slots: tuple[Entry, ...], slot: int | None, entry: Entry) -> tuple[Entry, ...]:
    if slot is None:
        return (*slots, entry)
    return (*slots[:slot], entry, *slots[slot + 1 :])

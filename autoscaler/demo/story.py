"""What a viewer is told of a fleet: its numbers over time, and a line for whatever happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from autoscaler.engine.explain import explain
from autoscaler.model import Fleet, FleetTick, Outcome, Replica, Result, Tick


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened `at` seconds after the start."""

    at: float
    what: str
    message: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The fleet at one tick, `at` seconds after the start. What is not known is None."""

    at: float
    fleet: Fleet
    waiting: float | None
    running: float | None
    replicas: tuple[Replica, ...]
    desired: int


class Story:
    """An observer of the ticks of one fleet. `tell` gets each event when it happens.

    worker_seconds: how long each replica existed, summed over all that did, draining ones too.
    first_decision_at: when a number of replicas other than the present was first wanted.
    """

    def __init__(self, fleet: str, tell: Callable[[Event], None]) -> None:
        self.moments: list[Moment] = []
        self.decisions = 0
        self.first_decision_at: float | None = None
        self.worker_seconds = 0.0
        self._fleet = fleet
        self._tell = tell
        self._started_at: float | None = None
        self._desired: int | None = None

    def __call__(self, tick: Tick) -> None:
        turn, now = tick.fleets[self._fleet], tick.snapshot.now
        self._started_at = now if self._started_at is None else self._started_at
        at = now - self._started_at
        if self.moments:
            last = self.moments[-1]
            self.worker_seconds += len(last.replicas) * (at - last.at)
        self.moments.append(_moment(at, turn))
        for event in (*self._decided(at, turn), *_acted(at, turn)):
            self._tell(event)

    def _decided(self, at: float, turn: FleetTick) -> Iterator[Event]:
        decision = turn.decision
        if decision.desired not in (self._desired, decision.current):
            self.decisions += 1
            if self.first_decision_at is None:
                self.first_decision_at = round(at, 1)
            why = " ".join(explain(turn).why)
            yield Event(at, f"{decision.current} → {decision.desired}", why)
        self._desired = decision.desired


def _acted(at: float, turn: FleetTick) -> Iterator[Event]:
    """One event for units of which the same was asked, and of which the same came."""
    told = [outcome for outcome in turn.outcomes if outcome.result is not Result.WAITING]
    for (kind, message), outcomes in groupby(told, _what_came_of):
        units = ", ".join(outcome.action.unit for outcome in outcomes)
        yield Event(at, kind, f"{units}: {message}")


def _what_came_of(outcome: Outcome) -> tuple[str, str]:
    if outcome.result is Result.APPLIED:
        return outcome.action.kind, outcome.action.reason
    return outcome.action.kind, f"{outcome.result}, {outcome.message}"


def _moment(at: float, turn: FleetTick) -> Moment:
    samples = turn.snapshot.samples
    waiting, running = samples.named("waiting_tasks"), samples.named("running_tasks")
    return Moment(
        at=at,
        fleet=turn.snapshot.fleet,
        waiting=waiting[0].value if waiting else None,
        running=running[0].value if running else None,
        replicas=turn.snapshot.replicas,
        desired=turn.decision.desired,
    )

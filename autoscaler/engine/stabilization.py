"""Stabilization windows: a change is followed once it was wanted for a whole window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from autoscaler.engine.behavior import down_window_seconds, up_window_seconds
from autoscaler.engine.history import History, LoggedRecommendation
from autoscaler.model import Behavior, Fleet, Stage, Step

PRICE_SECONDS = 40.0
Log = Sequence[LoggedRecommendation]


@dataclass(frozen=True, slots=True)
class Windows:
    """The two windows, in seconds. behaved: false takes the HPA's path for no behavior."""

    up: float
    down: float
    behaved: bool = True

    @classmethod
    def of(cls, behavior: Behavior | None) -> Windows:
        """The windows that a fleet with this behavior has."""
        return cls(up_window_seconds(behavior), down_window_seconds(behavior), behavior is not None)


def stabilize(
    history: History, current: int, proposed: int, now: float, windows: Windows
) -> tuple[Step, History]:
    """The present number moved no further than all recommendations of the windows agree on.

    The proposal itself is one of them, and is logged, whatever comes of it.
    """
    log = history.recommendations or ()
    if windows.behaved:
        replicas = _within_windows(log, current, proposed, now, windows)
    else:
        # The HPA's older path looks at no present size: it may even rise to what was wanted lately.
        cutoff = now - windows.down
        replicas = max([proposed, *(r.replicas for r in log if r.at >= cutoff)])
    step = _step(log, current, proposed, replicas, now, windows)
    return step, history.recommended(proposed, now, max(windows.up, windows.down))


def keep_idle(
    history: History, fleet: Fleet, stabilized: Step, current: int, now: float
) -> tuple[tuple[Step, ...], History]:
    """What idle replicas are likely to be needed again soon, where that is learned.

    Learned from what the policies ask for. The higher the promise, the dearer is a start too many.
    """
    if fleet.objective is None or fleet.behavior is None or not fleet.behavior.learned:
        return (), history
    price = PRICE_SECONDS / (1.0 - fleet.objective.quantile)
    idling = history.idling.after(stabilized.before, current, now, price)
    history = replace(history, idling=idling)
    kept, until = idling.kept(current, now)
    if kept <= stabilized.after or until is None:
        return (), history
    message = (
        f"{kept} are kept for another {math.ceil(until - now)} s: as many were needed lately, and "
        "letting go of them so soon has cost more than it saved"
    )
    step = Step(Stage.STABILIZE, stabilized.after, kept, "LikelyNeededAgain", message, until)
    return (step,), history


def _within_windows(log: Log, current: int, proposed: int, now: float, windows: Windows) -> int:
    lowest = highest = proposed
    up_cutoff, down_cutoff = now - windows.up, now - windows.down
    for logged in log:
        if logged.at > up_cutoff and logged.replicas < lowest:
            lowest = logged.replicas
        if logged.at > down_cutoff and logged.replicas > highest:
            highest = logged.replicas
    return min(max(current, lowest), highest)


def _step(
    log: Log, current: int, proposed: int, replicas: int, now: float, windows: Windows
) -> Step:
    if replicas == proposed:
        message = "no recent recommendation stands against it"
        return Step(Stage.STABILIZE, proposed, replicas, "ReadyForNewScale", message)
    if windows.behaved and proposed >= current:
        reason, change, window = "ScaleUpStabilized", "rise", windows.up
        binding = (r for r in log if r.at >= now - window and r.replicas <= replicas)
    else:
        reason, change, window = "ScaleDownStabilized", "fall", windows.down
        binding = (r for r in log if r.at >= now - window and r.replicas >= replicas)
    latest = max(binding, key=attrgetter("at"))
    until = latest.at + window
    message = (
        f"{latest.replicas} was recommended {math.floor(now - latest.at)} s ago, and a {change} "
        f"must be wanted for {window:g} s: {math.ceil(until - now)} s are left"
    )
    return Step(Stage.STABILIZE, proposed, replicas, reason, message, until)

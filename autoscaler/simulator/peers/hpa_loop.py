"""What the HPA does to a proposal: windows, limits and bounds, by the daemon's own engine."""

from __future__ import annotations

from autoscaler.engine.behavior import with_defaults
from autoscaler.engine.history import History
from autoscaler.engine.limits import Bounds, limit
from autoscaler.engine.stabilization import Windows, stabilize
from autoscaler.model import Behavior

DEFAULT_BEHAVIOR = with_defaults(None, None)


class HpaLoop:
    """One autoscaler's memory. bounds: the least and the most replicas."""

    def __init__(self, bounds: Bounds, behavior: Behavior = DEFAULT_BEHAVIOR) -> None:
        self._bounds = bounds
        self._behavior = behavior
        self._windows = Windows.of(behavior)
        self._history = History()

    def settle(self, current: int, proposed: int, now: float) -> int:
        """How many replicas the HPA would set, where its metrics ask for `proposed`."""
        if current < self._bounds.least or current > self._bounds.most:
            return max(self._bounds.least, min(current, self._bounds.most))
        history = self._history.seeded(current, now)
        stable, history = stabilize(history, current, proposed, now, self._windows)
        step = limit(history, current, stable.after, self._bounds, self._behavior, now)
        self._history = history.scaled(current, step.after, now, self._behavior)
        return step.after

"""Amazon MWAA's workers: (running + queued) / slots, up at once, and down when nothing is left."""

from __future__ import annotations

import math

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.view import Leaving, View

EMPTY_SECONDS = 120.0


class Mwaa:
    """Workers are added up to what is required; the additional ones go when no task was queued or
    ran for a while, which its documentation gives as two to five minutes: here the shorter.
    """

    leaving = Leaving.DRAINED
    grace_seconds = 0.0
    resumes = False

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._empty_since: float | None = None

    def replicas(self, view: View) -> int:
        """What is required, or what there is."""
        if view.demand:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = view.now
        if self._empty_since is not None and view.now >= self._empty_since + EMPTY_SECONDS:
            return self.rules.min_workers
        required = math.ceil(view.demand / self.rules.slots)
        return max(view.current, min(required, self.rules.max_workers))

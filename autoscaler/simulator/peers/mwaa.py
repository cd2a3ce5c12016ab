"""Amazon MWAA's workers: (running + queued) / slots, up at once, and down when nothing is left."""

from __future__ import annotations

import math

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.view import Leaving, View

EMPTY_READINGS = 8  # one every 15 s


class Mwaa:
    """Workers are added up to what is required; the additional ones go when no task was queued or
    ran for a while, which its documentation gives as two to five minutes: here two.
    """

    leaving = Leaving.DRAINED
    grace_seconds = 0.0
    resumes = False

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._empty = 0

    def replicas(self, view: View) -> int:
        """What is required, or what there is."""
        self._empty = 0 if view.demand else self._empty + 1
        if self._empty >= EMPTY_READINGS:
            return self.rules.min_workers
        required = math.ceil(view.demand / self.rules.slots)
        return max(view.current, min(required, self.rules.max_workers))

"""AWS target tracking on the backlog per worker, the way its documentation scales on a queue."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.keda import GRACE_SECONDS
from autoscaler.simulator.peers.view import Leaving, View

BACKLOG_PER_WORKER = 2.0
MINUTE = 60.0
OUT_MINUTES = 3
IN_MINUTES = 15
IN_SHARE = 0.9
IN_PART = 5
COOLDOWN_SECONDS = 180.0


class TargetTracking:
    """Two alarms on the means of each minute, as the service makes them.

    Above the target for 3 minutes: out, in proportion. Below 90 % of it for 15 minutes: in, more
    gradually, which is documented no closer; here by a fifth of the workers a minute. Workers that
    leave are killed after the grace.
    """

    leaving = Leaving.KILLED
    grace_seconds = GRACE_SECONDS
    resumes = False

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._minute: list[float] = []
        self._means: deque[float] = deque(maxlen=IN_MINUTES)
        self._next_at = 0.0
        self._out_at = -math.inf

    def replicas(self, view: View) -> int:
        """What the alarms ask for, once a minute."""
        self._minute.append(view.queued / max(1, view.current))
        if view.now < self._next_at:
            return view.current
        self._next_at = view.now + MINUTE
        self._means.append(fmean(self._minute))
        self._minute.clear()
        if self._high() and view.now >= self._out_at + COOLDOWN_SECONDS:
            self._out_at = view.now
            wanted = math.ceil(view.current * self._means[-1] / BACKLOG_PER_WORKER)
            return max(view.current, min(wanted, self.rules.max_workers))
        if self._low():
            return max(self.rules.min_workers, view.current - max(1, view.current // IN_PART))
        return view.current

    def _high(self) -> bool:
        last = list(self._means)[-OUT_MINUTES:]
        return len(last) == OUT_MINUTES and min(last) > BACKLOG_PER_WORKER

    def _low(self) -> bool:
        full = len(self._means) == IN_MINUTES
        return full and max(self._means) < IN_SHARE * BACKLOG_PER_WORKER

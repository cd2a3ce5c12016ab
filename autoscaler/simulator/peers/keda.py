"""KEDA as Airflow's Helm chart sets it up: ceil((queued + running) / slots), through an HPA."""

from __future__ import annotations

import math

from autoscaler.engine.behavior import Tolerances
from autoscaler.engine.limits import Bounds
from autoscaler.engine.replica_calculator import replicas_for_average, thousandths
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.hpa_loop import HpaLoop
from autoscaler.simulator.peers.view import Leaving, View

GRACE_SECONDS = 600.0


class Keda:
    """The query's answer is an external metric whose average per replica should be 1.

    The HPA has its default behavior. Scaling in ends the newest pods, after a grace of 600 s.
    """

    leaving = Leaving.KILLED
    grace_seconds = GRACE_SECONDS
    resumes = False

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._loop = HpaLoop(Bounds(rules.min_workers, rules.max_workers))

    def replicas(self, view: View) -> int:
        """What the HPA makes of what the triggers ask for."""
        return self._loop.settle(view.current, self.asked(view), view.now)

    def asked(self, view: View) -> int:
        """By the query."""
        answer = thousandths(math.ceil(view.demand / self.rules.slots))
        current = max(1, view.current)
        return replicas_for_average(current, answer, thousandths(1), Tolerances()).replicas


class KedaNeverKills(Keda):
    """The same with a grace that no task outlives."""

    leaving = Leaving.DRAINED

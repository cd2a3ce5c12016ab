"""An HPA on CPU, as small Airflows have it: 70 %, cautious limits, between 2 and 20 workers."""

from __future__ import annotations

from autoscaler.engine.behavior import Tolerances
from autoscaler.engine.limits import Bounds
from autoscaler.engine.per_unit_target import UtilizationTarget
from autoscaler.engine.replica_calculator import UnitReadings, replicas_for_units, thousandths
from autoscaler.engine.unit_groups import Phase, Reading, UnitState
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.hpa_loop import HpaLoop
from autoscaler.simulator.peers.keda import GRACE_SECONDS
from autoscaler.simulator.peers.view import Leaving, View

PERCENT = 70
BOUNDS = Bounds(2, 20)
BEHAVIOR = Behavior(
    ScalingRules(60, limits=(Limit(LimitType.PODS, 4, 60),)),
    ScalingRules(300, limits=(Limit(LimitType.PODS, 2, 120),)),
)


class CpuHpa:
    """A busy slot is a busy share of its pod's CPU; starting pods are pending, and use nothing."""

    leaving = Leaving.KILLED
    grace_seconds = GRACE_SECONDS
    resumes = False

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._loop = HpaLoop(BOUNDS, BEHAVIOR)

    def replicas(self, view: View) -> int:
        """What the HPA makes of the busy share of its ready pods."""
        return self._loop.settle(view.current, self._proposed(view), view.now)

    def _proposed(self, view: View) -> int:
        """The calculator's answer where the ready pods share the busy slots evenly."""
        request = thousandths(self.rules.slots)
        ready = [UnitState(f"ready-{n}", request=request) for n in range(view.ready)]
        pending = [
            UnitState(f"pending-{n}", Phase.PENDING, request=request)
            for n in range(view.current - view.ready)
        ]
        if not ready:
            return view.current
        each = thousandths(view.busy_ready / view.ready)
        readings = {unit.name: Reading(each, view.now) for unit in ready}
        units = (*ready, *pending)
        given = UnitReadings(view.current, units, readings, view.now)
        target = UtilizationTarget.of_units(PERCENT, units)
        return replicas_for_units(given, target, Tolerances()).replicas

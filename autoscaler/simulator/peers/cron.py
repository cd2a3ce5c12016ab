"""KEDA with a cron trigger that was written in hindsight: as much as each five minutes needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.keda import KedaNeverKills
from autoscaler.simulator.peers.view import View
from autoscaler.simulator.zero_wait import Ideal, demand_per_tick

DAY_SECONDS = 86_400.0
SLOT_SECONDS = 300.0
LEAD_SECONDS = 150.0


class KedaWithCron(KedaNeverKills):
    """The larger of both triggers, as KEDA has it. Nobody is killed.

    The cron trigger asks at each time of the day for the mean over the trace's days of the most
    that ran at once within those five minutes; it starts 150 s early, so that a start fits in.
    """

    def __init__(self, rules: Rules, ideal: Sequence[Ideal], end: float) -> None:
        super().__init__(rules)
        days: list[list[int]] = [[] for _ in range(int(DAY_SECONDS // SLOT_SECONDS))]
        for number, most in enumerate(demand_per_tick(ideal, SLOT_SECONDS, end)):
            days[number % len(days)].append(most)
        self._plan = [math.ceil(fmean(most) / rules.slots) if most else 0 for most in days]

    def asked(self, view: View) -> int:
        """By either trigger."""
        cron = max(self._planned(view.now), self._planned(view.now + LEAD_SECONDS))
        return max(super().asked(view), cron)

    def _planned(self, at: float) -> int:
        return self._plan[int(at // SLOT_SECONDS) % len(self._plan)]

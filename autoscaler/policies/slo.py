"""The fewest workers with which tasks start in time: by what is busy, queued and to come."""

from __future__ import annotations

import math

from pydantic import Field

from autoscaler.engine.samples import value_of, why_missing
from autoscaler.engine.wording import clock_time
from autoscaler.interfaces import Options, Policy
from autoscaler.model import FleetSnapshot, Forecast, Objective, Recommendation

SLOTS = "slots_per_replica"
ALMOST = 1e-6
DEFAULT = Objective()


class SloOptions(Options):
    """What is promised. The one knob is `quantile`: higher is sooner, and costs more."""

    start_within_seconds: float = Field(
        default=DEFAULT.start_within_seconds,
        ge=1,
        le=3600,
        description="how long after a task could start it is to start at the latest",
    )
    quantile: float = Field(
        default=DEFAULT.quantile,
        ge=0.5,
        le=0.999,
        description="the share of tasks that this is for; higher costs more",
    )


class Slo(Policy[SloOptions]):
    """Divides the slots that the fleet's forecast asks for by those of a worker."""

    options_type = SloOptions

    @classmethod
    def objective(cls, options: SloOptions) -> Objective:
        return Objective(options.start_within_seconds, options.quantile)

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        """`Forecast`, or why there is none."""
        forecast = snapshot.forecast
        if forecast is None:
            why = why_missing(snapshot.samples, "demand_tasks", {})
            return self._unknown("SampleMissing", why)
        active = forecast.slots > 0
        slots = value_of(snapshot.samples, SLOTS)
        if slots:
            replicas = math.ceil(forecast.slots / slots - ALMOST)
            said = f"{_parts(forecast)} -> {replicas} of {slots:g} slots each"
            planned = forecast.expected > 0
            return self._answer(replicas, said, active=active, planned=planned)
        if snapshot.current > 0:
            return self._unknown("SlotsUnknown", "no worker has told its slots")
        said = f"{_parts(forecast)}, and with no worker nobody knows what one can take"
        return self._answer(int(active), said, active=active)

    def _answer(
        self, replicas: int, message: str, *, active: bool, planned: bool = False
    ) -> Recommendation:
        name = self.context.name
        return Recommendation(name, replicas, "Forecast", message, active=active, planned=planned)

    def _unknown(self, reason: str, message: str) -> Recommendation:
        return Recommendation(self.context.name, None, reason, message, active=False)


def _parts(forecast: Forecast) -> str:
    """`12 busy + 9 queued + 34 expected by 00:02:15 UTC`, and what of it shares slots."""
    counts = ((forecast.busy, "busy"), (forecast.queued, "queued"))
    said = " + ".join(f"{number} {what}" for number, what in counts if number) or "no task"
    if round(forecast.needed) < forecast.busy + forecast.queued:
        said += f" in {forecast.needed:.0f} slots"
    if forecast.expected >= 0.5:
        said += f" + {forecast.expected:.0f} expected by {clock_time(forecast.until)}"
    if forecast.spare >= 0.5:
        said += f" + {forecast.spare:.0f} to spare"
    return said

"""Policies that say what the test told them to."""

from __future__ import annotations

from autoscaler.interfaces import Context, Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation


class Says(Policy[Options]):
    """Recommends the same at every tick."""

    def __init__(
        self,
        replicas: int | None,
        *,
        ceiling: int | None = None,
        active: bool = True,
        name: str = "policy",
    ) -> None:
        super().__init__(Options(), Context(name))
        reason = "FailedGetExternalMetric" if replicas is None else "ValidMetricFound"
        self._told = Recommendation(name, replicas, reason, "told so", ceiling, active)

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        return self._told

"""From what the policies say to one number: the highest wins, the lowest ceiling caps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.model import Fleet, Recommendation, Stage, Step


@dataclass(frozen=True, slots=True)
class Asked:
    """What all policies together ask for, in steps of which the last has the number.

    known: false when they cannot tell, and the number is the present one. ceiling: the most that
    they allow.
    """

    steps: tuple[Step, ...]
    known: bool
    ceiling: int | None = None

    @property
    def replicas(self) -> int:
        """The number asked for."""
        return self.steps[-1].after


def recommend(recommendations: Sequence[Recommendation], fleet: Fleet, current: int) -> Asked:
    """The highest recommendation under the lowest ceiling.

    A policy that cannot tell stands against fewer replicas, not against more. With `min_replicas`
    0 there are none until a policy is active, and at least one while it is.
    """
    told = [r for r in recommendations if r.replicas is not None]
    silent = next((r for r in recommendations if r.replicas is None), None)
    ceilings = [r for r in recommendations if r.ceiling is not None]
    ceiling = min((r.ceiling for r in ceilings if r.ceiling is not None), default=None)
    if not told:
        return Asked((_unknown(silent, current, current),), known=False, ceiling=ceiling)
    steps = [_highest(told, fleet, current)]
    if ceiling is not None and ceiling < steps[-1].after:
        steps.append(_capped(ceilings, ceiling, steps[-1].after))
    if silent is not None and steps[-1].after < current:
        steps.append(_unknown(silent, steps[-1].after, current))
        return Asked(tuple(steps), known=False, ceiling=ceiling)
    return Asked(tuple(steps), known=True, ceiling=ceiling)


def _highest(told: Sequence[Recommendation], fleet: Fleet, current: int) -> Step:
    top = max(told, key=_replicas)
    replicas, message = _replicas(top), f"{top.policy}: {top.message}"
    if fleet.min_replicas == 0:
        active = any(r.active for r in told)
        if replicas > 0 and not active:
            message = f"no policy is active: {message}"
            return Step(Stage.RECOMMEND, current, 0, "Inactive", message)
        replicas = max(int(active), replicas)
    return Step(Stage.RECOMMEND, current, replicas, "ValidMetricFound", message)


def _replicas(recommendation: Recommendation) -> int:
    return recommendation.replicas or 0


def _capped(ceilings: Sequence[Recommendation], ceiling: int, proposed: int) -> Step:
    policy = next(r.policy for r in ceilings if r.ceiling == ceiling)
    message = f"{policy} allows at most {ceiling}"
    return Step(Stage.RECOMMEND, proposed, ceiling, "Ceiling", message)


def _unknown(silent: Recommendation | None, proposed: int, current: int) -> Step:
    if silent is None:
        return Step(Stage.RECOMMEND, proposed, current, "NoPolicies", "no policy says how many")
    message = f"{silent.policy} cannot tell: {silent.message}"
    return Step(Stage.RECOMMEND, proposed, current, silent.reason, message)

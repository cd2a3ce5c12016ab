"""The HPA's rules about behavior: defaults, validation, windows and tolerances."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from autoscaler.model import Behavior, Limit, LimitType, ScalingRules

DEFAULT_TOLERANCE = 0.1
DOWNSCALE_WINDOW_SECONDS = 300
LONGEST_WINDOW_SECONDS = 3600
LONGEST_PERIOD_SECONDS = 1800
DEFAULT_UP_LIMITS = (Limit(LimitType.PODS, 4, 15), Limit(LimitType.PERCENT, 100, 15))
DEFAULT_DOWN_LIMITS = (Limit(LimitType.PERCENT, 100, 15),)
# What forecasts ask for comes at once; what they no longer need stays as long as it has paid off.
LEARNED_BEHAVIOR = Behavior(
    scale_up=ScalingRules(stabilization_window_seconds=0),
    scale_down=ScalingRules(stabilization_window_seconds=30),
    learned=True,
)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """By how much the ratio of usage to target may fall short of 1, and exceed it."""

    down: float = DEFAULT_TOLERANCE
    up: float = DEFAULT_TOLERANCE

    def hold(self, ratio: float) -> bool:
        """Whether the ratio is so close to 1 that nothing should change; the edges are."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


def with_defaults(scale_up: ScalingRules | None, scale_down: ScalingRules | None) -> Behavior:
    """The whole behavior that a spec with these rules has; what is None or empty is defaulted.

    As the HPA: up 4 pods or 100 % per 15 s and no window, down 100 % per 15 s. The window of
    scaling down stays None, which `down_window_seconds` reads as 300 s.
    """
    return Behavior(default_scale_up_rules(scale_up), default_scale_down_rules(scale_down))


def default_scale_up_rules(rules: ScalingRules | None) -> ScalingRules:
    """The rules with the HPA's defaults for scaling up in place of what is None or empty."""
    rules = rules or ScalingRules()
    window = rules.stabilization_window_seconds or 0
    limits = rules.limits or DEFAULT_UP_LIMITS
    return replace(rules, stabilization_window_seconds=window, limits=limits)


def default_scale_down_rules(rules: ScalingRules | None) -> ScalingRules:
    """The rules with the HPA's defaults for scaling down in place of what is None or empty."""
    rules = rules or ScalingRules()
    return replace(rules, limits=rules.limits or DEFAULT_DOWN_LIMITS)


def validate_behavior(behavior: Behavior, path: str = "behavior") -> list[str]:
    """Everything the HPA would refuse, one `path: what is wrong` each; empty when it is valid."""
    return [
        *_validate_rules(behavior.scale_up, f"{path}.scale_up"),
        *_validate_rules(behavior.scale_down, f"{path}.scale_down"),
    ]


def up_window_seconds(behavior: Behavior | None) -> int:
    """How long a rise must be wanted before it is followed; without behavior not at all."""
    return (behavior.scale_up.stabilization_window_seconds or 0) if behavior else 0


def down_window_seconds(behavior: Behavior | None) -> int:
    """How long a fall must be wanted before it is followed; 300 s unless given."""
    window = behavior.scale_down.stabilization_window_seconds if behavior else None
    return DOWNSCALE_WINDOW_SECONDS if window is None else window


def tolerances(behavior: Behavior | None) -> Tolerances:
    """Each direction's tolerance, 0.1 unless given."""
    if behavior is None:
        return Tolerances()
    down, up = behavior.scale_down.tolerance, behavior.scale_up.tolerance
    return Tolerances(
        DEFAULT_TOLERANCE if down is None else down, DEFAULT_TOLERANCE if up is None else up
    )


def _validate_rules(rules: ScalingRules, path: str) -> Iterator[str]:
    window, tolerance = rules.stabilization_window_seconds, rules.tolerance
    if window is not None and not 0 <= window <= LONGEST_WINDOW_SECONDS:
        yield (
            f"{path}.stabilization_window_seconds: {window} must be "
            f"between 0 and {LONGEST_WINDOW_SECONDS}"
        )
    if not rules.limits:
        yield f"{path}.limits: there must be at least one"
    for index, limit in enumerate(rules.limits):
        yield from _validate_limit(limit, f"{path}.limits[{index}]")
    if tolerance is not None and not 0 <= tolerance < math.inf:
        yield f"{path}.tolerance: {tolerance} must be a ratio of at least 0"


def _validate_limit(limit: Limit, path: str) -> Iterator[str]:
    if limit.value <= 0:
        yield f"{path}.value: {limit.value} must be greater than 0"
    if not 0 < limit.period_seconds <= LONGEST_PERIOD_SECONDS:
        yield (
            f"{path}.period_seconds: {limit.period_seconds} must be "
            f"between 1 and {LONGEST_PERIOD_SECONDS}"
        )

"""Rate limits: how far one decision may go, given the changes of the limits' periods."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoscaler.engine.history import History, change_in_period
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules, Select, Stage, Step

UNBEHAVED_FACTOR = 2.0
UNBEHAVED_LEAST = 4
UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most replicas that a fleet may have."""

    least: int
    most: int


def limit(
    history: History, current: int, proposed: int, bounds: Bounds, behavior: Behavior, now: float
) -> Step:
    """The proposal as far as the limits allow, or as `bounds` allow if they are closer.

    As in the HPA, rising stops at the most and falling at the least; a limit never turns the
    direction round.
    """
    if proposed > current:
        allowed = max(current, scale_up_limit(history, current, behavior.scale_up, now))
        if allowed < min(bounds.most, proposed):
            return _limited(history, current, proposed, allowed, behavior.scale_up, now)
        return _clamped(proposed, min(proposed, bounds.most), bounds)
    if proposed < current:
        allowed = min(current, scale_down_limit(history, current, behavior.scale_down, now))
        if allowed > max(bounds.least, proposed):
            return _limited(history, current, proposed, allowed, behavior.scale_down, now)
        return _clamped(proposed, max(proposed, bounds.least), bounds)
    return _clamped(proposed, proposed, bounds)


def limit_without_behavior(
    current: int,
    proposed: int,
    bounds: Bounds,
    factor: float = UNBEHAVED_FACTOR,
    least: int = UNBEHAVED_LEAST,
) -> Step:
    """The HPA's limit for no behavior: a rise to `factor` times the size, or to `least`."""
    allowed = int(max(factor * current, least))
    if allowed < bounds.most and proposed > max(allowed, bounds.least - 1):
        message = f"at most {factor:g} times {current}, or {least}, at once"
        return Step(Stage.LIMIT, proposed, allowed, "ScaleUpLimit", message)
    return clamp(proposed, bounds)


def clamp(proposed: int, bounds: Bounds) -> Step:
    """The nearest number within the bounds."""
    return _clamped(proposed, max(bounds.least, min(proposed, bounds.most)), bounds)


def scale_up_limit(history: History, current: int, rules: ScalingRules, now: float) -> int:
    """The most replicas that the limits allow now; what was added lately counts against them."""
    if rules.select is Select.DISABLED:
        return current
    select = min if rules.select is Select.MIN else max
    bounds = (_highest(rule, history, current, now) for rule in rules.limits)
    return select(bounds, default=UNLIMITED)


def scale_down_limit(history: History, current: int, rules: ScalingRules, now: float) -> int:
    """The least replicas that the limits allow now; what was taken lately counts against them."""
    if rules.select is Select.DISABLED:
        return current
    select = max if rules.select is Select.MIN else min
    bounds = (_lowest(rule, history, current, now) for rule in rules.limits)
    return select(bounds, default=0)


def starts_from_nothing(history: History, rules: ScalingRules, now: float) -> bool:
    """Whether only percents of no replicas keep the first one from being added."""
    return rules.select is not Select.DISABLED and all(
        rule.type is LimitType.PERCENT
        and not change_in_period(history.ups, rule.period_seconds, now)
        for rule in rules.limits
    )


def _highest(rule: Limit, history: History, current: int, now: float) -> int:
    start = _start(rule, history, current, now)
    if rule.type is LimitType.PODS:
        return start + rule.value
    return math.ceil(start * (1 + rule.value / 100))


def _lowest(rule: Limit, history: History, current: int, now: float) -> int:
    start = _start(rule, history, current, now)
    if rule.type is LimitType.PODS:
        return start - rule.value
    return int(start * (1 - rule.value / 100))


def _start(rule: Limit, history: History, current: int, now: float) -> int:
    """How many replicas there were when the limit's period began."""
    added = change_in_period(history.ups, rule.period_seconds, now)
    taken = change_in_period(history.downs, rule.period_seconds, now)
    return current - added + taken


def _limited(
    history: History, current: int, proposed: int, allowed: int, rules: ScalingRules, now: float
) -> Step:
    rising = proposed > current
    reason, change = ("ScaleUpLimit", "up") if rising else ("ScaleDownLimit", "down")
    if rules.select is Select.DISABLED:
        message = f"scaling {change} is disabled"
        return Step(Stage.LIMIT, proposed, allowed, reason, message)
    bound = _highest if rising else _lowest
    rule = min(rules.limits, key=lambda each: abs(bound(each, history, current, now) - allowed))
    cutoff = now - rule.period_seconds
    events = history.ups if rising else history.downs
    oldest = min((event.at for event in events if event.at > cutoff), default=now)
    message = (
        f"at most {rule.value} {_unit(rule)} {change} per {rule.period_seconds} s, "
        f"{_start(rule, history, current, now)} at its start"
    )
    return Step(Stage.LIMIT, proposed, allowed, reason, message, oldest + rule.period_seconds)


def _unit(rule: Limit) -> str:
    return "replicas" if rule.type is LimitType.PODS else "%"


def _clamped(proposed: int, replicas: int, bounds: Bounds) -> Step:
    if replicas < proposed:
        reason, message = "TooManyReplicas", f"max_replicas is {bounds.most}"
    elif replicas > proposed:
        reason, message = "TooFewReplicas", f"min_replicas is {bounds.least}"
    elif bounds.least <= replicas <= bounds.most:
        reason, message = "DesiredWithinRange", f"within {bounds.least}..{bounds.most}"
    else:
        reason, message = "DesiredWithinRange", "nothing limits it in this direction"
    return Step(Stage.CLAMP, proposed, replicas, reason, message)

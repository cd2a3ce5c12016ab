"""Kinds about behavior: defaults, validation, stabilization, limits and scale events."""

from __future__ import annotations

from collections.abc import Callable

from autoscaler.engine.behavior import (
    default_scale_down_rules,
    default_scale_up_rules,
    validate_behavior,
    with_defaults,
)
from autoscaler.engine.history import History, change_in_period
from autoscaler.engine.limits import (
    Bounds,
    limit,
    limit_without_behavior,
    scale_down_limit,
    scale_up_limit,
)
from autoscaler.engine.stabilization import Windows, stabilize
from autoscaler.model import Behavior, ScalingRules, Step
from tests.conformance.translate import (
    NOW,
    Answer,
    Case,
    behavior_of,
    bounds_of,
    events_of,
    log_of,
    rules_of,
    rules_told,
)


def history_of(case: Case) -> History:
    return History(
        recommendations=log_of(case.get("recommendations") or ()),
        ups=events_of(case.get("scaleUpEvents", ())),
        downs=events_of(case.get("scaleDownEvents", ())),
    )


def limits_without_behavior(case: Case) -> Answer:
    step = limit_without_behavior(
        case["currentReplicas"],
        case["desiredReplicas"],
        Bounds(case["minReplicas"], case["maxReplicas"]),
        case["scaleUpLimitFactor"],
        case["scaleUpLimitMinimum"],
    )
    return {"replicas": step.after, "reason": step.reason}


def stabilize_without_behavior(case: Case) -> Answer:
    windows = Windows(up=0, down=case["downscaleStabilizationWindowSeconds"], behaved=False)
    proposed = case["desiredReplicas"]
    step, after = stabilize(history_of(case), proposed, proposed, NOW, windows)
    return {"replicas": step.after, "recommendationLogLength": len(after.recommendations or ())}


def stabilize_with_behavior(case: Case) -> Answer:
    windows = Windows(
        case["scaleUpStabilizationWindowSeconds"], case["scaleDownStabilizationWindowSeconds"]
    )
    current, proposed = case["currentReplicas"], case["desiredReplicas"]
    step, after = stabilize(history_of(case), current, proposed, NOW, windows)
    return {"replicas": step.after, "recommendationsAfter": _log_told(after)}


def scaling_limit(
    of: Callable[[History, int, ScalingRules, float], int],
) -> Callable[[Case], Answer]:
    def answer(case: Case) -> Answer:
        rules = rules_of(case["rules"]) or ScalingRules()
        return {"replicas": of(history_of(case), case["currentReplicas"], rules, NOW)}

    return answer


def rate_limit_with_behavior(case: Case) -> Answer:
    step = _rate_limited(case, case["desiredReplicas"])
    # Whether upstream's table skips the case is a note there, which no answer can know.
    return {"replicas": step.after, "reason": step.reason, "skippedUpstream": False}


def normalize_with_behavior(case: Case) -> Answer:
    rules = case["spec"]["effectiveBehavior"]
    down = rules["scaleDown"]["stabilizationWindowSeconds"]
    if down is None:
        down = case["controller"]["downscaleStabilizationWindowSeconds"]
    windows = Windows(rules["scaleUp"]["stabilizationWindowSeconds"] or 0, down)
    current, proposed = case["currentReplicas"], case["desiredReplicas"]
    stabilized, after = stabilize(history_of(case), current, proposed, NOW, windows)
    return _normalized(stabilized, _rate_limited(case, stabilized.after), after)


def normalize_without_behavior(case: Case) -> Answer:
    controller, current = case["controller"], case["currentReplicas"]
    windows = Windows(0, controller["downscaleStabilizationWindowSeconds"], behaved=False)
    stabilized, after = stabilize(history_of(case), current, case["desiredReplicas"], NOW, windows)
    limited = limit_without_behavior(
        current,
        stabilized.after,
        bounds_of(case["spec"]),
        controller["scaleUpLimitFactor"],
        controller["scaleUpLimitMinimum"],
    )
    return _normalized(stabilized, limited, after)


def store_scale_event(case: Case) -> Answer:
    rules, up = rules_of(case["rules"]), case["direction"] == "up"
    events, change = events_of(case["events"]), case["replicaChange"]
    before = case["previousReplicas"]
    after = before + change if up else before - change
    history = History(ups=events if up else (), downs=() if up else events)
    behavior = None if rules is None else Behavior(rules, rules)
    stored = history.scaled(before, after, NOW, behavior)
    period = case["changeQueryPeriodSeconds"]
    return {
        "replicaChangeInPeriodBeforeStore": change_in_period(events, period, NOW),
        "eventsAfterStore": [
            {"replicaChange": event.replicas, "outdated": event.outdated}
            for event in (stored.ups if up else stored.downs)
        ],
    }


def default_rules(
    default: Callable[[ScalingRules | None], ScalingRules],
) -> Callable[[Case], Answer]:
    return lambda case: {"rules": rules_told(default(rules_of(case["rules"])))}


def default_behavior(case: Case) -> Answer:
    given = case["behavior"]
    if given is None:
        return {"behavior": None}
    whole = with_defaults(rules_of(given["scaleUp"]), rules_of(given["scaleDown"]))
    return {
        "behavior": {
            "scaleUp": rules_told(whole.scale_up),
            "scaleDown": rules_told(whole.scale_down),
        }
    }


def validation(case: Case) -> Answer:
    """As the API, which defaults a direction that is left out before it validates."""
    given = case["behavior"] or {"scaleUp": None, "scaleDown": None}
    try:
        up, down = rules_of(given["scaleUp"]), rules_of(given["scaleDown"])
    except ValueError as error:
        return {"valid": False, "error": str(error)}
    default = with_defaults(None, None)
    faults = validate_behavior(Behavior(up or default.scale_up, down or default.scale_down))
    return {"valid": not faults, "error": "; ".join(faults) or None}


KINDS: dict[str, Callable[[Case], Answer]] = {
    "limits_without_behavior": limits_without_behavior,
    "stabilize_without_behavior": stabilize_without_behavior,
    "stabilize_with_behavior": stabilize_with_behavior,
    "scale_up_limit": scaling_limit(scale_up_limit),
    "scale_down_limit": scaling_limit(scale_down_limit),
    "rate_limit_with_behavior": rate_limit_with_behavior,
    "normalize_with_behavior": normalize_with_behavior,
    "normalize_without_behavior": normalize_without_behavior,
    "store_scale_event": store_scale_event,
    "default_scale_up_rules": default_rules(default_scale_up_rules),
    "default_scale_down_rules": default_rules(default_scale_down_rules),
    "default_behavior": default_behavior,
    "validate_behavior": validation,
}


def _rate_limited(case: Case, proposed: int) -> Step:
    behavior = behavior_of(case["spec"]["effectiveBehavior"])
    if behavior is None:
        raise ValueError("the kind needs a behavior")
    bounds = bounds_of(case["spec"])
    return limit(history_of(case), case["currentReplicas"], proposed, bounds, behavior, NOW)


def _normalized(stabilized: Step, limited: Step, after: History) -> Answer:
    return {
        "replicas": limited.after,
        "conditions": [condition_of(stabilized), condition_of(limited)],
        "recommendationsAfter": _log_told(after),
    }


def condition_of(step: Step) -> Answer:
    """The condition that the HPA would write of a stabilizing or limiting step."""
    if step.stage == "stabilize":
        return {"type": "AbleToScale", "status": "True", "reason": step.reason}
    limited = str(step.before != step.after)
    return {"type": "ScalingLimited", "status": limited, "reason": step.reason}


def _log_told(history: History) -> list[int]:
    return [logged.replicas for logged in history.recommendations or ()]

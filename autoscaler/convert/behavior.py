"""The `behavior` of a HorizontalPodAutoscaler in this project's spelling."""

from __future__ import annotations

from autoscaler.convert.draft import Spec
from autoscaler.convert.fields import Fields
from autoscaler.quantity import plain

LONGEST_PERIOD = 1800
LONGEST_WINDOW = 3600
LARGEST_VALUE = 2**31 - 1
WINDOW = "stabilization_window_seconds"


def read_behavior(fields: Fields) -> Spec | None:
    """Both directions; None where there is no behavior, which decides as the HPA then does."""
    up, down = _rules(fields.mapping("scaleUp")), _rules(fields.mapping("scaleDown"))
    fields.close()
    directions = {"scale_up": up, "scale_down": down}
    return {name: rules for name, rules in directions.items() if rules} or None


def _rules(fields: Fields) -> Spec:
    rules: Spec = {}
    window = fields.whole("stabilizationWindowSeconds", None, 0, LONGEST_WINDOW)
    if window is not None:
        rules[WINDOW] = window
    select = fields.choice("selectPolicy", ("Max", "Min", "Disabled"), "Max")
    if select != "Max":
        rules["select"] = select.lower()
    if limits := [_limit(limit) for limit in fields.items("policies")]:
        rules["limits"] = limits
    tolerance = fields.quantity("tolerance")
    if tolerance is not None:
        rules["tolerance"] = plain(tolerance)
    fields.close()
    return rules


def _limit(fields: Fields) -> Spec:
    kind = fields.choice("type", ("Pods", "Percent"), "Pods")
    value = fields.whole("value", None, 1, LARGEST_VALUE)
    period = fields.whole("periodSeconds", None, 1, LONGEST_PERIOD)
    for key, found in (("value", value), ("periodSeconds", period)):
        if found is None and key not in fields:
            fields.fault(key, "is missing; every policy has type, value and periodSeconds")
    fields.close()
    return {"type": kind.lower(), "value": value or 1, "period_seconds": period or 1}

"""PromQL for what a metrics adapter was asked: the sum of a metric with these labels."""

from __future__ import annotations

import re

from autoscaler.convert.fields import Fields

_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[^A-Za-z0-9_]")
_REGEX = re.compile(r"([\\.+*?()|\[\]{}^$])")
_COMPARISONS = {"In": "=~", "NotIn": "!~", "Exists": "!=", "DoesNotExist": "="}


def is_metric(name: str) -> bool:
    """Whether Prometheus could have a metric of this name."""
    return _METRIC.fullmatch(name) is not None


def sum_of(metric: str, matchers: list[str]) -> str:
    """The query; `matchers` are such as `queue="default"`."""
    return f"sum({metric}{{{','.join(matchers)}}})" if matchers else f"sum({metric})"


def equals(label: str, value: str) -> str:
    """A matcher for one value."""
    return f"{_LABEL.sub('_', label)}={quoted(value)}"


def begins(label: str, prefix: str) -> str:
    """A matcher for the values that begin so."""
    return f"{_LABEL.sub('_', label)}=~{quoted(_escaped(prefix) + '.*')}"


def selector_matchers(selector: Fields) -> list[str]:
    """The matchers of a Kubernetes label selector."""
    matchers = [equals(*pair) for pair in selector.mapping("matchLabels").texts().items()]
    for expression in selector.items("matchExpressions"):
        label = _LABEL.sub("_", expression.required("key", "queue"))
        operator = expression.choice("operator", tuple(_COMPARISONS), "In")
        values = "|".join(map(_escaped, expression.words("values")))
        matchers.append(f"{label}{_COMPARISONS[operator]}{quoted(values)}")
        expression.close()
    selector.close()
    return matchers


def _escaped(text: str) -> str:
    return _REGEX.sub(r"\\\1", text)


def quoted(text: str) -> str:
    """A PromQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

"""Kubernetes quantities: 500m is a half, 2Gi are 2,147,483,648."""

from __future__ import annotations

import math
import re

_SUFFIXES = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}
_QUANTITY = re.compile(r"([-+]?[0-9]{0,18}\.?[0-9]{0,18}(?:[eE][-+]?[0-9]{1,3})?)([A-Za-z]{0,2})")
_SHOWN = 80


def parse_quantity(text: str) -> float:
    """The number that a quantity stands for. Raises ValueError with what to write."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None or found[2] not in _SUFFIXES:
        raise ValueError(f"must be a quantity such as 10, 500m or 2Gi, not {text[:_SHOWN]!r}")
    try:
        number = float(found[1]) * _SUFFIXES[found[2]]
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"must be a quantity such as 10, 500m or 2Gi, not {text[:_SHOWN]!r}")
    # 0.1 and 100m must become the same number, so the multiplication's rounding error goes.
    return float(f"{number:.12g}")


def parse_milli(text: str) -> float:
    """The number, rounded up to whole thousandths, as the HPA counts. Raises ValueError."""
    return math.ceil(round(parse_quantity(text) * 1000, 6)) / 1000


def plain(number: float) -> int | float:
    """The number as YAML should show it."""
    return int(number) if number == int(number) else number

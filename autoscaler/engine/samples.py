"""From samples of one name to one number, or to the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from statistics import fmean

from autoscaler.model import Samples


class Aggregate(StrEnum):
    """What several samples of one name become."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    AVG = "avg"


_FUNCTIONS: Mapping[Aggregate, Callable[[Iterable[float]], float]] = {
    Aggregate.SUM: math.fsum,
    Aggregate.MAX: max,
    Aggregate.MIN: min,
    Aggregate.AVG: fmean,
}


def value_of(
    samples: Samples,
    name: str,
    labels: Mapping[str, str] | None = None,
    aggregate: Aggregate = Aggregate.SUM,
) -> float | None:
    """The one number that all samples of this name with these labels make.

    None when there is no such sample, or when one of them is not a finite number: a sum that
    leaves one out would be too low.
    """
    values = [sample.value for sample in samples.named(name, labels)]
    if not values or not all(map(math.isfinite, values)):
        return None
    try:
        return _FUNCTIONS[aggregate](values)
    except OverflowError:
        return None


def why_missing(samples: Samples, name: str, labels: Mapping[str, str] | None = None) -> str:
    """Why `value_of` gives None, for people."""
    if samples.named(name, labels):
        return f"{selector(name, labels)} is not a finite number"
    if samples.named(name):
        return f"no sample of {name} is labelled {selector('', labels)}"
    return f"there is no sample {name}{_guess(name, samples.names())}"


def selector(name: str, labels: Mapping[str, str] | None = None) -> str:
    """`name{label="value"}`, as Prometheus writes it."""
    if not labels:
        return name
    pairs = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}"


@lru_cache
def _guess(name: str, known: frozenset[str]) -> str:
    guesses = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {guesses[0]}?" if guesses else ""

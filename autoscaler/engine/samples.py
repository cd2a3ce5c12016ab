"""From samples of one name to one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
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
    return _FUNCTIONS[aggregate](values)

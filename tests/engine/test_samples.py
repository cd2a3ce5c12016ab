"""Samples to one number, or to the reason why there is none."""

from __future__ import annotations

import math

import pytest

from autoscaler.engine.samples import Aggregate, selector, value_of, why_missing
from autoscaler.model import Sample, Samples

DEPTHS = Samples(
    [
        Sample("queue_depth", 10, 0, {"queue": "a", "broker": "x"}),
        Sample("queue_depth", 30, 0, {"queue": "b", "broker": "x"}),
        Sample("broken", math.nan, 0),
        Sample("broken", 5, 0),
        Sample("huge", 1e308, 0),
        Sample("huge", 1e308, 0),
    ]
)


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [(Aggregate.SUM, 40), (Aggregate.MAX, 30), (Aggregate.MIN, 10), (Aggregate.AVG, 20)],
)
def test_aggregates(aggregate: Aggregate, value: float) -> None:
    assert value_of(DEPTHS, "queue_depth", {"broker": "x"}, aggregate) == value


def test_labels_select() -> None:
    assert value_of(DEPTHS, "queue_depth", {"queue": "b"}) == 30


@pytest.mark.parametrize(
    ("name", "labels", "why"),
    [
        ("queue_depht", None, "there is no sample queue_depht; did you mean queue_depth?"),
        ("zzz", None, "there is no sample zzz"),
        ("queue_depth", {"queue": "c"}, 'no sample of queue_depth is labelled {queue="c"}'),
        ("broken", None, "broken is not a finite number"),
        ("huge", None, "huge is not a finite number"),
    ],
)
def test_no_number_has_a_reason(name: str, labels: dict[str, str] | None, why: str) -> None:
    assert value_of(DEPTHS, name, labels) is None
    assert why_missing(DEPTHS, name, labels) == why


def test_a_selector_is_written_as_in_prometheus() -> None:
    assert selector("up") == "up"
    assert selector("up", {"job": "a", "zone": "b"}) == 'up{job="a", zone="b"}'

"""Whose readings count."""

from __future__ import annotations

import pytest

from autoscaler.engine.unit_groups import (
    Phase,
    Readiness,
    Reading,
    UnitGroups,
    UnitState,
    Warmup,
    count_ready,
    group_units,
)
from tests.records import NOW

WARMUP = Warmup(initialization_seconds=300, readiness_delay_seconds=30)


def unit(name="a", *, ready=True, age=1000.0, since=900.0, **more):
    return UnitState(name, started_at=NOW - age, readiness=Readiness(ready, NOW - since), **more)


def grouped(each, warmup=WARMUP, reading_age=5.0, window=60.0):
    readings = {each.name: Reading(1, NOW - reading_age, window)}
    return group_units([each], readings, NOW, warmup)


def test_each_unit_is_in_one_group():
    units = [
        unit("ready"),
        unit("pending", phase=Phase.PENDING),
        unit("silent"),
        unit("failed", phase=Phase.FAILED),
        unit("leaving", phase=Phase.PENDING, leaving=True),
        unit("over", phase=Phase.OVER),
    ]
    readings = {name: Reading(1, NOW) for name in ("ready", "failed", "over")}
    assert group_units(units, readings, NOW, None) == UnitGroups(
        ready=2,
        unready=frozenset({"pending"}),
        missing=frozenset({"silent"}),
        ignored=frozenset({"failed", "leaving"}),
    )


@pytest.mark.parametrize(
    ("each", "counts"),
    [
        (unit(), True),
        (unit(ready=None), True),
        (UnitState("a", started_at=NOW), False),
        (UnitState("a", readiness=Readiness(ready=True, since=NOW)), False),
        (unit(age=200, since=100), True),
        (unit(age=200, since=20), False),
        (unit(age=200, since=100, ready=False), False),
        (unit(age=200, since=100, ready=None), True),
        (unit(age=1000, since=980, ready=False), False),
        (unit(age=1000, since=900, ready=False), True),
        (unit(age=1000, since=980), True),
    ],
    ids=[
        "ready",
        "readiness unknown",
        "no readiness",
        "no start",
        "young, a whole window since ready",
        "young, less than a window since ready",
        "young, not ready",
        "young, readiness unknown",
        "old, never ready",
        "old, was ready once",
        "old, ready",
    ],
)
def test_readings_of_a_warming_unit_do_not_count(each, counts):
    assert grouped(each).ready == int(counts)
    assert grouped(each).unready == (frozenset() if counts else {"a"})
    assert grouped(each, warmup=None).ready == 1


def test_ready_units_run_and_say_so():
    units = [
        unit("a"),
        unit("b", ready=False),
        unit("c", phase=Phase.PENDING),
        UnitState("d"),
        unit("e", leaving=True),
    ]
    assert count_ready(units) == 2

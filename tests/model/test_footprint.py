"""What a footprint answers."""

import pytest

from autoscaler.model import Curve, Footprint, RunShape
from tests.records import NOW

CURVE = Curve("us", "CeleryExecutor", (0.0, 10.0, 60.0), (3, 1, 0))
US = "us", "CeleryExecutor"


def test_a_curve_holds_its_level_until_the_next_step():
    assert [CURVE.at(x) for x in (-5, 0, 9.9, 10, 59, 60, 1e9)] == [0, 3, 3, 1, 1, 0, 0]


@pytest.mark.parametrize(("queue", "mean", "most"), [("us", 1.5, 3), ("eu", 0, 0)])
def test_a_footprint_of_two_runs(queue, mean, most):
    runs = (RunShape("a", NOW, (CURVE,)), RunShape("b", NOW + 1, ()))
    known = Footprint("airflow", "etl", runs, NOW)
    assert known.concurrency(queue, "CeleryExecutor", 5) == mean
    assert known.most(queue, "CeleryExecutor", 5) == most
    assert (known.queues, known.steps) == ({US}, 3)

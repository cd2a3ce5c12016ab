"""What holds the work up, as far as one tick tells."""

import pytest

from autoscaler.engine.verdict import Verdict, verdict
from autoscaler.model import FleetTick
from tests.records import replica, seen
from tests.ticks import asks, turn


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (turn(3), Verdict.NONE),
        (turn(4), Verdict.WORKERS),
        (turn(10, recommendations=(asks(12),)), Verdict.CAPACITY),
        (turn(1, recommendations=(asks(None),)), Verdict.NONE),
        (turn(3, error="KeyError: 'x'"), None),
        (turn(3, snapshot=seen(replica("a"), missing={"broker": "down"})), None),
    ],
)
def test_verdict(made: FleetTick, found: Verdict | None) -> None:
    assert verdict(made) is found

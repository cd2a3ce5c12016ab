"""What `check --live` says of what was read."""

from __future__ import annotations

import pytest

from autoscaler.cli.look import systems, told
from autoscaler.config import Config
from autoscaler.model import BrokerState, Observation, QueueState, Sample, SampleState, WorkersState
from tests.records import NOW, worker
from tests.ticks import tick


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (BrokerState(NOW, {"a": QueueState("a", 3), "b": QueueState("b", 1)}), "2 queues, 4 tasks"),
        (WorkersState(NOW, {"w": worker("w", busy=1)}), "1 worker, 1 task running"),
        (SampleState(NOW, (Sample("x", 1, NOW),)), "1 sample"),
    ],
)
def test_what_was_found(seen: Observation, found: str) -> None:
    assert told(seen).startswith(found)


def test_a_part_that_could_not_be_read_has_a_row_of_its_own() -> None:
    policy = {"kind": "schedule", "cron": "0 0 * * *", "duration_seconds": 60, "min_replicas": 1}
    config = Config.model_validate(
        {
            "sources": {},
            "fleets": [
                {
                    "name": "beat",
                    "queues": [],
                    "max_replicas": 1,
                    "target": {"kind": "simulated"},
                    "policies": [policy],
                }
            ],
        }
    )
    rows = systems(config, tick(missing={"broker/a": "not a list"}))
    assert rows[-1] == {"name": "broker/a", "kind": "", "up": False, "found": "not a list"}

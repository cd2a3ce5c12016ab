"""Who leaves first, as ActivePodsWithRanks of kubernetes has it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.kinds import Item
from tests.kubernetes.times import stamp
from tests.kubernetes.victims import COST, in_order

NOW = 1_800_000_000.0
HOUR = 3600.0


def pod(
    name: str,
    *,
    node: str = "a",
    phase: str = "Running",
    ready: bool = True,
    cost: str | None = None,
    ready_for: float = 8 * HOUR,
    age: float = 8 * HOUR,
    restarted: int = 0,
) -> Item:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    condition["lastTransitionTime"] = stamp(NOW - ready_for)
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": stamp(NOW - age),
            "annotations": {} if cost is None else {COST: cost},
        },
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "conditions": [condition],
            "containerStatuses": [{"name": "worker", "restartCount": restarted}],
        },
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"node": "", "cost": "9"}, {"phase": "Pending", "ready": False, "cost": "-9"}),
        ({"phase": "Pending", "cost": "9"}, {"phase": "Unknown", "cost": "-9"}),
        ({"phase": "Unknown", "cost": "9"}, {"ready": False, "cost": "-9"}),
        ({"ready": False, "cost": "9"}, {"cost": "-9"}),
        ({"cost": "-1", "ready_for": 8 * HOUR}, {"ready_for": HOUR}),
        ({}, {"cost": "1"}),
        ({"cost": "-1"}, {"cost": "no number"}),
        ({"ready_for": HOUR, "restarted": 0}, {"ready_for": 8 * HOUR, "restarted": 9}),
        ({"restarted": 2, "age": 8 * HOUR}, {"restarted": 1, "age": HOUR}),
        ({"age": HOUR}, {"age": 8 * HOUR}),
    ],
)
def test_each_rule_goes_before_all_later_ones(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    pods = [pod("1", **second), pod("2", **first)]
    assert [one["metadata"]["name"] for one in in_order(pods, pods, NOW)] == ["2", "1"]


def test_of_a_crowded_node_one_goes_first() -> None:
    pods = [pod("1", node="b", ready_for=HOUR), pod("2"), pod("3")]
    assert in_order(pods, pods, NOW)[-1]["metadata"]["name"] == "1"


def test_about_the_same_age_is_left_to_chance() -> None:
    younger = pod("2", ready_for=8 * HOUR)
    older = pod("1", ready_for=8.5 * HOUR)
    assert in_order([younger, older], [], NOW)[0] is older

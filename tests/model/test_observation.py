"""The samples that follow from what was read: what was not told has none."""

from __future__ import annotations

from autoscaler.model import BrokerState, QueueState
from tests.records import NOW


def told(state):
    return {(s.name, s.labels.get("queue", "")): s.value for s in state.samples()}


def test_a_broker_that_tells_everything():
    queue = QueueState("a", 7, unacked=2, consumers=1, oldest_age_seconds=3.5)
    state = BrokerState(NOW, {"a": queue}, unacked_tasks=5, oldest_unacked_age_seconds=60.0)
    assert told(state) == {
        ("queue_depth", "a"): 7,
        ("unacked_tasks", "a"): 2,
        ("queue_consumers", "a"): 1,
        ("oldest_task_age_seconds", "a"): 3.5,
        ("broker_unacked_tasks", ""): 5,
        ("oldest_unacked_age_seconds", ""): 60.0,
    }


def test_a_broker_that_tells_depths_only():
    assert told(BrokerState(NOW, {"a": QueueState("a", 7)})) == {("queue_depth", "a"): 7}

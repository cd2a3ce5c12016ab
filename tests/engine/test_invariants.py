"""Each invariant sees the plan that breaks it."""

from __future__ import annotations

import pytest

from autoscaler.engine.invariants import violations
from autoscaler.model import Action, ActionKind, Decision, DrainRules, Fence
from tests.records import NOW, replica, seen


def broken(snapshot, desired, *wishes):
    actions = [
        Action(kind, "default", unit, Fence(1, n), NOW, "test")
        for n, (kind, unit) in enumerate(wishes)
    ]
    decision = Decision("default", NOW, snapshot.current, desired, ())
    return [text.split()[0] for text in violations(snapshot, decision, actions)]


ADD, DRAIN, RESUME, REMOVE = (
    ActionKind.ADD,
    ActionKind.DRAIN,
    ActionKind.RESUME,
    ActionKind.REMOVE,
)
A, B = replica("a"), replica("b")
LEAVING = replica("x", drained=True)
BUSY = replica("y", 1, drained=True)


@pytest.mark.parametrize(
    ("snapshot", "desired", "wishes", "ids"),
    [
        (seen(A, B), 2, (), []),
        (seen(A, B), 11, (), ["V1"]),
        (seen(A, B), 0, (), ["V1"]),
        (seen(A, B, max_replicas=1), 2, (), []),
        (seen(A, B, missing={"m": "?"}), 1, ((DRAIN, "a"),), ["V2"]),
        (seen(A, B, max_replicas=2), 2, ((ADD, "c"),), ["V3"]),
        (seen(A, B, drain=DrainRules(max_draining=1)), 1, ((DRAIN, "a"), (DRAIN, "b")), ["V4"]),
        (seen(A, BUSY, LEAVING, drain=DrainRules(max_draining=1)), 1, ((DRAIN, "y"),), []),
        (seen(A, B), 2, ((ADD, "c"), (DRAIN, "a")), ["V5"]),
        (seen(A, B, LEAVING), 2, ((RESUME, "x"), (DRAIN, "a")), ["V5"]),
        (seen(A, LEAVING), 1, ((REMOVE, "x"),), []),
        (seen(A, BUSY), 1, ((REMOVE, "y"),), ["V6"]),
        (seen(A), 1, ((REMOVE, "a"),), ["V6"]),
        (seen(A), 1, ((REMOVE, "unknown"),), ["V6"]),
    ],
)
def test_a_plan_breaks_these_invariants(snapshot, desired, wishes, ids):
    assert broken(snapshot, desired, *wishes) == ids

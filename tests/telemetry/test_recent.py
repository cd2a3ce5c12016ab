"""The ring of recent decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.model import Override, Result, Stage, Tick
from autoscaler.telemetry import recent as recent_module
from autoscaler.telemetry.recent import Recent
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, asks, outcome, step, tick, turn


def at(seconds: float, desired: int, name: str = "default") -> Tick:
    """A tick so many seconds after NOW in which the fleet should have `desired` replicas."""
    replicas = [replica(f"{name}-{n}") for n in range(3)]
    snapshot = seen(*replicas, now=NOW + seconds, samples=SAMPLES, name=name)
    return tick(turn(desired, snapshot=snapshot), now=NOW + seconds)


def test_only_what_differs_is_kept() -> None:
    recent = Recent()
    for seconds, desired in ((0, 3), (5, 3), (10, 4), (15, 4), (20, 3)):
        recent(at(seconds, desired))
    kept = [(r.decision.at - NOW, r.decision.desired) for r in recent.decisions("default", 10)]
    assert kept == [(20, 3), (10, 4), (0, 3)]
    assert len(recent.decisions("default", 2)) == 2
    assert [r.decision.desired for r in recent.decisions("default", 9, before=NOW + 10)] == [3]
    assert recent.decisions("other", 10) == []
    assert recent.tick is not None
    assert recent.tick.snapshot.now == NOW + 20
    assert recent.read_at == {"broker": NOW + 20}
    assert recent.trend("default") == [38.0] * 5
    assert recent.trend("other") == []


def test_the_decision_that_held_at_a_time() -> None:
    recent = Recent()
    recent(at(0, 3))
    recent(at(10, 4))
    held = recent.decision_at("default", NOW + 9)
    assert held is not None
    assert held.decision.desired == 3
    assert recent.decision_at("default", NOW - 1) is None


def test_it_is_bounded_for_one_fleet_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    recent = Recent(keep=3)
    for seconds in range(10):
        recent(at(seconds, seconds))
    assert [r.decision.desired for r in recent.decisions("default", 99)] == [9, 8, 7]
    monkeypatch.setattr(recent_module, "MOST_RECORDS", 60)
    many = Recent()
    first, second = ({f"f{n}": turn(d) for n in range(4)} for d in (3, 4))
    for number in range(40):
        many(replace(tick(), fleets=first if number % 2 else second))
    assert len(many.decisions("f0", 99)) == 15


def test_a_fleet_that_is_gone_is_forgotten() -> None:
    recent = Recent()
    recent(at(0, 3))
    recent(at(5, 3, name="other"))
    assert recent.decisions("default", 10) == []
    assert len(recent.decisions("other", 10)) == 1


def test_a_record_as_a_document() -> None:
    override = Override("default", "deploy 41", "ann", NOW, None, 5)
    limit = step(Stage.LIMIT, 8, 5, "at most 2 pods per 60 s", NOW + 45)
    fault = {"broker": "cannot reach redis://u:canary@b/0"}
    snapshot = seen(replica("a"), missing=fault)
    made = turn(
        5,
        limit,
        snapshot=snapshot,
        recommendations=(asks(8),),
        outcomes=(outcome(result=Result.FAILED, message="quota"),),
        override=override,
    )
    recent = Recent()
    recent(tick(made))
    document = recent.decisions("default", 1)[0].document()
    assert document["at"] == "1970-01-12T13:46:40.000Z"
    assert document["steps"] == [
        {
            "stage": "limit",
            "before": 8,
            "after": 5,
            "reason": "At",
            "message": "at most 2 pods per 60 s",
            "until": "1970-01-12T13:47:25.000Z",
        }
    ]
    assert document["actions"] == [
        {
            "kind": "add",
            "unit": "default-3",
            "worker": "default-3@host",
            "reason": "more is wanted",
            "result": "failed",
            "message": "quota",
        }
    ]
    assert document["override"]["expires_at"] is None
    assert document["missing"] == {"broker": "cannot reach redis://b/0"}
    assert document["recommendations"][0]["replicas"] == 8
    assert document["explanation"]["more_possible_at"] == "1970-01-12T13:47:25.000Z"
    assert "canary" not in str(document)

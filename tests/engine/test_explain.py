"""Explanations: every answer an operator gets, word for word."""

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.engine.explain import Explanation, explain
from autoscaler.model import (
    ActionKind,
    Bottleneck,
    FleetTick,
    Override,
    Result,
    Stage,
    UnitPhase,
    Verdict,
)
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, asks, outcome, step, turn

LIMIT = step(Stage.LIMIT, 8, 5, "at most 2 pods per 60 s", NOW + 45)
WINDOW = step(Stage.STABILIZE, 2, 3, "3 was recommended 20 s ago", NOW + 280)


def paused(**changes: Any) -> Override:
    facts = {"expires_at": NOW + 3600, "replicas": None, **changes}
    return Override("default", "deploy 41", "ann", NOW - 60, **facts)


def draining(*names: str, **more: Any) -> FleetTick:
    leaving = [replica(name, drained=True, **more) for name in names]
    return turn(1, snapshot=seen(replica("stays"), *leaving, samples=SAMPLES))


def test_a_rise_that_the_limit_slows_down() -> None:
    told = explain(turn(5, LIMIT, recommendations=(asks(8), asks(2, "schedule"))))
    assert told == Explanation(
        fleet="default",
        at=NOW,
        summary="default: 5 replicas wanted (3 present, 3 ready).",
        why=(
            "target_tracking asks for 8: 38 tasks at 16 per replica.",
            "A rate limit made it 5, not 8: at most 2 pods per 60 s (until 13:47:25 UTC, in 45 s).",
        ),
        why_not_more=(
            "A rate limit made it 5, not 8: at most 2 pods per 60 s (until 13:47:25 UTC, in 45 s).",
            "2 more replicas still to be added.",
        ),
        why_not_fewer=(
            "Fewer would not be enough: target_tracking asks for 8, schedule asks for 2.",
        ),
        more_possible_at=NOW + 45,
    )


def test_a_fall_that_waits_for_its_window() -> None:
    told = explain(turn(3, WINDOW, recommendations=(asks(2),)))
    assert told.why_not_fewer == (
        (
            "The stabilization window made it 3, not 2: 3 was recommended 20 s ago "
            "(until 13:51:20 UTC, in 4 min)."
        ),
    )
    assert told.why_not_more == ("No policy asks for more: target_tracking asks for 2.",)
    assert told.fewer_possible_at == NOW + 280
    assert told.more_possible_at is None


def test_the_maximum_and_the_minimum() -> None:
    most = explain(turn(10, step(Stage.CLAMP, 14, 10, "max_replicas is 10")))
    assert most.why_not_more[0] == "The configured bounds made it 10, not 14: max_replicas is 10."
    assert "max_replicas is 10, and it is reached." not in " ".join(most.why_not_more)
    assert "max_replicas is 10, and it is reached." in explain(turn(10)).why_not_more
    least = explain(turn(1, step(Stage.CLAMP, 0, 1, "min_replicas is 1")))
    assert least.why_not_fewer[0] == "The configured bounds made it 1, not 0: min_replicas is 1."
    assert explain(turn(1)).why_not_fewer[0] == "min_replicas is 1, and it is reached."


def test_blindness() -> None:
    blind = seen(replica("a"), replica("b"), missing={"broker": "connection refused"})
    held = step(Stage.GUARD, 1, 2, "not lowered while blind: broker: connection refused")
    told = explain(turn(2, held, snapshot=blind, recommendations=(asks(1),)))
    assert told.why_not_fewer == (
        "A guard made it 2, not 1: not lowered while blind: broker: connection refused.",
    )
    unasked = explain(turn(2, snapshot=blind))
    assert unasked.why_not_fewer[0] == (
        "Nothing is lowered while broker is unknown: connection refused."
    )


def test_an_unreadable_target_is_not_zero_replicas() -> None:
    unread = seen(missing={"target/default": "the state directory is gone"})
    assert explain(turn(4, snapshot=unread)).summary == (
        "default: 4 replicas wanted (how many are present is not known)."
    )


def test_policies_that_cannot_tell_and_ceilings() -> None:
    mute = asks(None, "expression")
    told = explain(turn(3, recommendations=(mute, asks(0, "schedule", ceiling=3))))
    assert told.why == ("schedule asks for 0: 38 tasks at 16 per replica.",)
    assert told.why_not_more[1:] == (
        "expression cannot tell, might want more: 38 tasks at 16 per replica.",
        "schedule allows at most 3.",
    )
    alone = explain(turn(3, recommendations=(mute,)))
    assert alone.why == (
        "No policy can tell how many are needed, so it stays at 3.",
        "expression cannot tell: 38 tasks at 16 per replica.",
    )
    blind = turn(3, recommendations=(mute,), snapshot=seen(missing={"broker": "timed out"}))
    assert explain(blind).why[2:] == ("broker is not known: timed out.",)


@pytest.mark.parametrize(
    ("override", "why", "why_not"),
    [
        (
            paused(),
            (
                "Paused by ann until 14:46:40 UTC (for another 1 h 00 min), "
                "nothing is carried out: deploy 41."
            ),
            (
                "Paused until 14:46:40 UTC (for another 1 h 00 min): "
                "what is decided is not carried out."
            ),
        ),
        (
            paused(expires_at=None, replicas=6),
            "Held at 6 by ann until resumed: deploy 41.",
            "Held at 6 until resumed, whatever the policies ask for.",
        ),
    ],
)
def test_overrides(override: Override, why: str, why_not: str) -> None:
    told = explain(turn(6, step(Stage.OVERRIDE, 3, 6, "held"), override=override))
    assert told.why[0] == why
    assert told.why_not_more[0] == why_not
    assert told.why_not_fewer[:2] == (why_not, "The operator made it 6, not 3: held.")
    assert not any("no policy asks" in line.lower() for line in told.why_not_more)


def test_what_was_not_carried_out_and_bugs() -> None:
    broken = [outcome(result=Result.FAILED, message="quota reached", unit=f"u{n}") for n in (1, 2)]
    dry = outcome(ActionKind.DRAIN, result=Result.DRY_RUN)
    done = outcome(ActionKind.RESUME)
    told = explain(turn(5, outcomes=(*broken, dry, done)))
    assert told.why[1:] == (
        "2 adds not carried out (failed: quota reached).",
        "1 drain not carried out (dry run).",
    )
    bug = explain(turn(3, recommendations=(), error="KeyError: 'x'"))
    assert bug.why == ("Nothing was changed, because this turn met a bug: KeyError: 'x'.",)


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ({"busy": 2}, "it still runs 2 tasks, which nobody will kill."),
        ({"reserved": 1}, "it still holds 1 prefetched task."),
        ({}, "it is empty, and leaves as soon as that is verified."),
        ({"silent": True}, "it is silent, and a silent worker is not an empty one."),
        ({"registered": False}, "its worker has not told yet what it runs."),
        ({"active": None}, "its worker has not told yet what it runs."),
        ({"lingering": 1}, "Airflow still calls 1 task of its running."),
    ],
)
def test_drains_say_what_they_wait_for(more: dict[str, Any], held: str) -> None:
    told = explain(draining("w1", **more))
    assert told.summary == "default: 1 replica wanted (1 present, 1 ready, 1 draining)."
    assert told.why_not_fewer[-1] == f"w1 drains since 13:46:30 UTC (10 s); {held}"


def test_many_drains_are_counted() -> None:
    told = explain(draining(*(f"w{n}" for n in range(7))))
    assert len(told.why_not_fewer) == 1 + 5 + 1
    assert told.why_not_fewer[-1] == "2 more replicas draining as well."


def test_what_is_leaving_and_what_is_starting() -> None:
    gone = replica("gone", phase=UnitPhase.TERMINATING)
    young = replica("young", ready=False)
    told = explain(turn(1, snapshot=seen(replica("a"), young, gone, samples=SAMPLES)))
    assert told.why_not_fewer[1:] == (
        "1 replica told to stop, not gone yet.",
        "1 replica still to leave: at most 4 drain at once.",
    )
    assert told.why_not_more[-1] == "1 replica of 2 not ready yet."


def test_the_bottleneck_is_named_once() -> None:
    pool = Verdict(Bottleneck.POOL, "adding workers would start 0 tasks: pool small is 1/1")
    blocked = replace(seen(replica("a")), blockage=pool)
    told = explain(turn(1, snapshot=blocked, recommendations=(asks(1),)))
    assert told.why_not_more[0] == f"{pool.message}."
    vetoed = turn(1, step(Stage.GUARD, 9, 1, pool.message), snapshot=blocked)
    assert sum("pool small" in sentence for sentence in explain(vetoed).why_not_more) == 1

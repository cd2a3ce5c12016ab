"""Vetoes: unknown never lowers, gaps wait for a window, shrinking is capped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.engine.guards import GuardMemory, cap_shrink, guard, veto_growth
from autoscaler.model import (
    Behavior,
    Bottleneck,
    DrainRules,
    Override,
    Recommendation,
    ScalingRules,
    Verdict,
)
from tests.records import NOW, replica, seen

QUICK = Behavior(ScalingRules(0), ScalingRules(0))
THREE = tuple(replica(name) for name in "abc")


def walk(*ticks, proposed=1):
    """Run ticks of (seconds after NOW, missing, demand); why each was held, None if it was not."""
    memory, reasons = GuardMemory(), []
    for after, missing, demand in ticks:
        samples = {} if demand is None else {"demand_tasks": demand}
        snapshot = seen(*THREE, now=NOW + after, missing=missing, samples=samples, behavior=QUICK)
        step, memory = guard(snapshot, memory, proposed)
        reasons.append(step.reason if step else None)
    return reasons


def test_the_first_cycle_only_observes_in_both_directions():
    for proposed in (1, 9):
        step, _ = guard(seen(*THREE), GuardMemory(), proposed)
        assert (step.reason, step.before, step.after) == ("FirstCycle", proposed, 3)
    assert guard(seen(*THREE), GuardMemory(), 3)[0] is None


def test_missing_data_never_lowers_and_says_what_is_missing():
    step, _ = guard(seen(*THREE, missing={"broker": "down"}), GuardMemory.settled(NOW - 5), 1)
    assert (step.reason, step.after) == ("MissingData", 3)
    assert "broker: down" in step.message


def test_missing_data_does_not_stop_growth():
    assert guard(seen(*THREE, missing={"x": "y"}), GuardMemory.settled(NOW - 5), 5)[0] is None


def test_scale_in_waits_for_whole_readings_after_the_start():
    assert walk((0, {}, 5), (5, {}, 5), (10, {}, 5), (15, {}, 5)) == [
        "FirstCycle",
        "DataNotSettled",
        "DataNotSettled",
        None,
    ]


def test_a_gap_in_the_data_starts_the_wait_anew():
    down = {"broker": "down"}
    ticks = [(n * 5, down if n == 4 else {}, 5) for n in range(9)]
    assert walk(*ticks)[3:] == [
        None,
        "MissingData",
        "DataNotSettled",
        "DataNotSettled",
        "DataNotSettled",
        None,
    ]


def test_a_pause_of_the_daemon_is_a_gap():
    settled = [(n * 5, {}, 5) for n in range(5)]
    assert walk(*settled, (200, {}, 5))[-2:] == [None, "DataNotSettled"]


def test_a_clock_set_back_is_a_gap_and_what_went_lately_stays_as_recent():
    back = replace(GuardMemory.settled(NOW), shrinks=((NOW - 60, 2),)).set_back(600)
    assert back == GuardMemory(last_tick_at=NOW - 600, shrinks=((NOW - 660, 2),))
    assert guard(seen(*THREE, now=NOW - 590), back, 1)[0].reason == "DataNotSettled"
    assert GuardMemory().set_back(600) == GuardMemory()


def test_a_pause_or_a_clock_set_forward_within_a_long_window_is_a_gap_and_a_slow_tick_is_none():
    settled = GuardMemory.settled(NOW)
    paused, _ = guard(seen(*THREE, now=NOW + 200), settled, 1)
    assert paused.reason == "DataNotSettled"
    assert guard(seen(*THREE, now=NOW + 45), settled, 1)[0] is None


def test_a_fleet_that_reads_zero_all_at_once_is_not_believed_at_once():
    settled = [(n * 5, {}, 50) for n in range(5)]
    assert walk(*settled, (25, {}, 0), (30, {}, 0), (35, {}, 0), (40, {}, 0))[-5:] == [
        None,
        "DataNotSettled",
        "DataNotSettled",
        "DataNotSettled",
        None,
    ]


def test_demand_that_was_not_read_is_remembered_as_it_was():
    settled = [(n * 5, {}, 50) for n in range(5)]
    assert walk(*settled, (25, {}, None), (30, {}, 0))[-2:] == [None, "DataNotSettled"]


def test_without_a_behavior_the_window_is_the_default_of_the_hpa():
    memory = GuardMemory(last_tick_at=NOW - 5, known_since=NOW - 299)
    step, _ = guard(seen(*THREE), memory, 1)
    assert step.reason == "DataNotSettled"
    assert step.until == NOW + 1
    assert guard(seen(*THREE, now=NOW + 1), memory, 1)[0] is None


def test_one_cycle_takes_at_most_its_percentage_but_always_one():
    ten = [replica(f"w{n}") for n in range(10)]
    step = cap_shrink(seen(*ten, drain=DrainRules(max_percent_per_cycle=30)), GuardMemory(), 2)
    assert (step.reason, step.before, step.after) == ("ShrinkCapped", 2, 7)
    assert (
        cap_shrink(seen(*THREE, drain=DrainRules(max_percent_per_cycle=1)), GuardMemory(), 2)
        is None
    )
    assert cap_shrink(seen(*THREE), GuardMemory(), 3) is None


def test_one_hour_takes_at_most_its_percentage():
    rules = DrainRules(max_percent_per_cycle=100, max_percent_per_hour=50)
    memory = GuardMemory().shrunk(NOW - 4000, 5).shrunk(NOW - 1800, 4)
    step = cap_shrink(seen(*THREE, drain=rules), memory, 1)
    assert step.after == 2
    spent = memory.shrunk(NOW - 10, 1)
    assert spent.shrinks == ((NOW - 1800, 4), (NOW - 10, 1))
    assert cap_shrink(seen(*THREE, drain=rules), spent, 1).after == 3


POOL = Verdict(Bottleneck.POOL, "pool small is 1/1, 50 waiting")
OUTAGE = Verdict(Bottleneck.API_SERVER, "workers cannot work without api: connection refused")


def blocked_by(verdict, **of_fleet):
    return replace(seen(*THREE, **of_fleet), blockage=verdict)


def plans(replicas):
    return Recommendation("schedule", replicas, "InSchedule", "08:00", planned=True)


def test_replicas_that_would_start_no_task_are_refused():
    step = veto_growth(blocked_by(POOL), (), 8)
    assert (step.before, step.after, step.reason) == (8, 3, "Bottleneck")
    assert step.message == POOL.message
    assert veto_growth(blocked_by(POOL), (), 3) is None
    assert veto_growth(blocked_by(POOL), (), 1) is None
    assert veto_growth(blocked_by(None), (), 8) is None


@pytest.mark.parametrize(("verdict", "after"), [(POOL, 6), (OUTAGE, 3)])
def test_what_is_planned_ahead_only_waits_for_the_end_of_an_outage(verdict, after):
    asked = (plans(6), plans(None), Recommendation("tracking", 9, "Demand", ""))
    assert veto_growth(blocked_by(verdict), asked, 9).after == after


def test_the_least_is_kept_but_not_in_an_outage():
    assert veto_growth(blocked_by(POOL, min_replicas=5), (), 5) is None
    assert veto_growth(blocked_by(OUTAGE, min_replicas=5), (), 5).after == 3


def test_an_operators_number_is_not_refused():
    held = Override("default", "because", "ann", NOW, replicas=8)
    assert veto_growth(blocked_by(OUTAGE), (), 8, held) is None
    assert veto_growth(blocked_by(OUTAGE), (), 8, replace(held, replicas=None)) is not None

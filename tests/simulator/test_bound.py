"""What hindsight knows: runs without waits, peaks, a bound, and plans that cost less than most."""

from __future__ import annotations

import math

from autoscaler.simulator.bound import clairvoyant, lower_bound
from autoscaler.simulator.bound_demand import PatientSlots
from autoscaler.simulator.bound_plan import Shape, plan
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.rivals import RIVALS
from autoscaler.simulator.trace import Trace, TraceTask
from autoscaler.simulator.world import World
from autoscaler.simulator.zero_wait import demand_per_tick, ideal_runs, peaks
from tests.simulator.traces import dags, plain, poisson

RULES = {"default": Rules(slots=4, max_workers=12)}


def test_a_task_runs_two_seconds_after_the_last_that_it_waits_for() -> None:
    runs = {run.task.id: run for run in ideal_runs(dags())}
    assert runs["0a"].ready == runs["0a"].task.submit
    assert runs["0b"].ready == runs["0a"].end + 2
    assert (runs["0a"].depth, runs["0b"].depth) == (1, 2)


def test_a_dependency_may_be_submitted_later_than_what_waits_for_it() -> None:
    first = TraceTask("a", 0, 10, "default", ("b",), "a")
    runs = ideal_runs(Trace("late", (first, TraceTask("b", 50, 10, "default", (), "b"))))
    assert [run.ready for run in runs] == [62, 50]


def test_the_peak_is_the_most_that_runs_at_once_over_slots() -> None:
    assert peaks(plain([(0.0, 10.0)] * 9 + [(10.0, 5.0)] * 5), 4) == {"default": 3}
    assert demand_per_tick(ideal_runs(plain([(3.0, 30.0), (20.0, 1.0)])), 15, 60) == [1, 2, 1, 0, 0]


def test_patience_lets_tasks_share_a_slot() -> None:
    burst = plain([(0.0, 5.0)] * 10)
    eager = PatientSlots(burst, {"default": "default"}, 0)
    patient = PatientSlots(burst, {"default": "default"}, 20)
    assert max(slots for _, slots in eager.curves["default"]) == 10
    assert max(slots for _, slots in patient.curves["default"]) == 10
    spread = plain([(float(n), 5.0) for n in range(60)])
    calm = PatientSlots(spread, {"default": "default"}, 20)
    assert max(slots for _, slots in calm.curves["default"]) <= 6
    assert len(calm.starts["default"]) == 60


def test_a_plan_launches_early_keeps_through_gaps_and_leaves_out_what_is_too_dear() -> None:
    curve, starts = [(150.0, 8), (300.0, 0), (330.0, 8), (450.0, 0)], [150.0] * 8 + [330.0] * 8
    rules = RULES["default"]
    kept = plan(curve, starts, rules, 600.0, Shape(lead=60, hold=60))
    assert kept[5] == 1
    assert set(kept[6:30]) == {2}
    assert kept[31] == 1
    assert set(plan(curve, starts, rules, 600.0, Shape(lead=60, hold=15))[20:22]) == {2}
    cheap = plan(curve, starts, rules, 600.0, Shape(lead=60, hold=60, price=10))
    assert set(cheap) == {1}


def test_the_bound_is_no_more_than_the_plan_and_the_plan_less_than_the_peak() -> None:
    trace = poisson(0.1, 120.0, 400, seed=3)
    bound = lower_bound(trace, RULES, World(trace, RULES).end)
    best = clairvoyant(trace, RULES)
    steady = RIVALS["static"]
    static = steady.play(World(trace, steady.rules(RULES)), lambda _: None)
    assert bound <= best.measures.worker_seconds <= static.worker_seconds
    assert best.measures.within[30] >= 0.95
    assert best.measures.kills == 0
    assert best.follow(World(trace, RULES)) == best.measures


def test_the_bound_counts_the_least_workers_and_what_cannot_be_put_off() -> None:
    empty = plain([(0.0, 1.0), (3600.0, 1.0)])
    assert lower_bound(empty, RULES, 3600.0) == 3600.0
    full = plain([(0.0, 3600.0)] * 16)
    bound = lower_bound(full, RULES, 3600.0)
    assert 4 * 3570 <= bound <= 4 * 3600
    assert math.isclose(lower_bound(full, RULES, 7200.0), 4 * 3600 + 3600, rel_tol=0.01)

"""What a worker costs the database and the API server, and how many more they bear."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.budgets import MOST_LEVELS, Cost, Usage, headroom
from autoscaler.engine.guards import cap_growth
from autoscaler.engine.verdict import verdict
from autoscaler.model import (
    AirflowState,
    ApiServerState,
    Bottleneck,
    Budgets,
    Decision,
    FleetTick,
    Headroom,
    Override,
    Result,
    Snapshot,
    Stage,
    Step,
    Verdict,
)
from tests.records import NOW, fleet, replica, seen, worker

FLEET = fleet(airflow="airflow", max_replicas=50, min_replicas=0)


def told(workers=2, connections=None, most=100, latency=None, **more):
    """What one tick tells of so many workers and what they share."""
    observations = {"airflow": AirflowState(NOW, "2.11", connections=connections)}
    if connections is not None:
        observations["airflow"] = replace(observations["airflow"], max_connections=most)
    if latency is not None:
        observations["api"] = ApiServerState(NOW, "3.3", {}, latency)
    heard = {f"w{n}@host": worker(f"w{n}@host") for n in range(workers)}
    facts = {"observations": observations, "workers": heard, "worker_sources": frozenset({"w"})}
    return Snapshot(NOW, **{**facts, **more})


def learned(*readings, ticks=3):
    """From (workers, connections, latency) of so many ticks each."""
    usage = Usage()
    for workers, connections, latency in readings:
        for _ in range(ticks):
            usage = usage.after(told(workers, connections, latency=latency), "airflow")
    return usage


def room(snapshot, usage, replicas=(), sharing=1, **budgets):
    bounded = replace(FLEET, budgets=Budgets(**budgets))
    return headroom(bounded, snapshot, tuple(replicas), usage, sharing)


def test_what_a_worker_costs_is_the_median_rise():
    usage = learned((1, 20, 0.1), (2, 30, 0.2), (4, 50, 0.4), (3, 90, 0.3))
    assert usage.connections.per_worker == pytest.approx(10)
    assert usage.latency.per_worker == pytest.approx(0.1)


def test_nothing_is_known_of_one_level_or_of_few_readings():
    assert learned((1, 20, 0.1)).connections.per_worker is None
    assert learned((1, 20, 0.1), (2, 30, 0.2), ticks=2).connections.per_worker is None


def test_what_falls_as_workers_come_costs_nothing():
    usage = learned((1, 50, 0.4), (2, 40, 0.2))
    assert usage.connections.per_worker == 0
    assert room(told(2, 60, latency=0.1), usage) is None


def test_a_level_follows_what_is_read_later():
    cost = Cost()
    for value in (10.0, 20.0, 30.0, *[40.0] * 30):
        cost = cost.after(3, value)
    assert cost.levels[3].mean == pytest.approx(40, abs=0.1)
    assert cost.levels[3].readings == 33


@pytest.mark.parametrize(
    "snapshot",
    [
        told(3, 40, worker_sources=frozenset()),
        told(3, 40, missing={"w": "down"}),
        told(3, 40, observations={}),
        told(3, None),
    ],
)
def test_what_is_not_known_teaches_nothing(snapshot):
    assert Usage().after(snapshot, "airflow") == Usage()


def test_workers_that_took_their_leave_do_not_count():
    gone = {"a@host": replace(worker("a@host"), offline=True), "b@host": worker("b@host")}
    usage = Usage().after(replace(told(0, 40), workers=gone), "airflow")
    assert list(usage.connections.levels) == [1]


def test_the_scarcer_of_the_two_bounds_growth():
    usage = learned((1, 20, 0.1), (2, 30, 0.2))
    found = room(told(2, 60, latency=0.2), usage)
    assert found == Headroom(
        3,
        Verdict(
            Bottleneck.DATABASE,
            "60 of 100 database connections are in use, about 10.0 a worker; 90 % may be",
        ),
    )
    slow = room(told(2, 60, latency=1.85), usage)
    assert (slow.replicas, slow.verdict) == (
        1,
        Verdict(
            Bottleneck.API_SERVER,
            "the API server answers in 1.85 s, 100 ms more with each worker; 2 s are allowed",
        ),
    )
    assert room(told(2, 60, latency=0.2), usage, database_connections_percent=65).replicas == 0


def test_until_a_cost_is_known_only_a_budget_that_is_used_up_counts():
    assert room(told(2, 89, latency=1.9), Usage()) is None
    used_up = room(told(2, 90), Usage())
    assert used_up.replicas == 0
    assert used_up.verdict.message == "90 of 100 database connections are in use; 90 % may be"
    assert room(told(2, None, latency=2.5), Usage()).verdict.bottleneck is Bottleneck.API_SERVER


def test_what_has_started_and_what_others_may_start_is_taken_off():
    usage = learned((1, 20, None), (2, 30, None))
    snapshot = told(2, 30)
    assert room(snapshot, usage).replicas == 6
    assert room(snapshot, usage, [replica("a"), replica("b", ready=False)]).replicas == 5
    assert room(snapshot, usage, sharing=4).replicas == 1
    assert room(snapshot, usage, sharing=9).replicas == 1
    assert room(told(2, 89), usage, sharing=2).replicas == 0


def test_a_fleet_of_no_airflow_has_no_budget():
    assert headroom(fleet(), told(2, 99), (), Usage(), 1) is None


USED_UP = Headroom(0, Verdict(Bottleneck.DATABASE, "all connections are in use"))


def capped(proposed, current=2, override=None, room=USED_UP, **settings):
    view = replace(seen(*(replica(f"r{n}") for n in range(current))), headroom=room)
    return cap_growth(replace(view, fleet=replace(FLEET, **settings)), proposed, override)


def test_growth_beyond_the_budget_is_capped_and_nothing_else():
    step = capped(5)
    assert (step.before, step.after, step.reason) == (5, 2, "BudgetExceeded")
    assert step.message == "0 more at most: all connections are in use"
    assert capped(2) is None
    assert capped(1) is None
    assert capped(9, room=None) is None
    assert capped(5, min_replicas=4).after == 4
    assert capped(5, override=Override("f", "a test", "me", NOW, None, 5)) is None
    assert capped(5, override=Override("f", "a test", "me", NOW)).after == 2


def test_the_verdict_names_what_is_used_up_but_only_when_it_held_growth_back():
    view = replace(seen(replica("a")), headroom=USED_UP)
    held, free = (Step(Stage.GUARD, 3, 1, reason, "") for reason in ("BudgetExceeded", "Other"))
    ticks = [
        FleetTick(view, Decision("f", NOW, 1, 1, (s,)), Result.UNCHANGED) for s in (held, free)
    ]
    assert [verdict(tick).bottleneck for tick in ticks] == [Bottleneck.DATABASE, Bottleneck.NONE]


@given(
    base=st.integers(0, 50),
    each=st.integers(1, 30),
    workers=st.integers(1, 20),
    most=st.integers(1, 1000),
    percent=st.floats(1, 100),
)
def test_a_cost_that_is_known_exactly_is_never_exceeded(base, each, workers, most, percent):
    usage = learned(
        (workers, base + each * workers, None), (workers + 1, base + each * (workers + 1), None)
    )
    snapshot = told(workers, base + each * workers, most)
    found = room(snapshot, usage, database_connections_percent=percent)
    after = base + each * (workers + found.replicas)
    assert found.replicas == 0 or after <= most * percent / 100
    assert found.replicas == 0 or after + each > int(most * percent / 100)


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0, 1e6)), max_size=100))
def test_what_is_kept_is_bounded_and_costs_are_never_negative(readings):
    cost = Cost()
    for workers, value in readings:
        cost = cost.after(workers, value)
    assert len(cost.levels) <= MOST_LEVELS
    assert cost.per_worker is None or cost.per_worker >= 0

"""What fleets may still add to what they load together, tick after tick."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.budgets import Loads
from autoscaler.engine.decide import decide
from autoscaler.engine.guards import GuardMemory, cap_growth
from autoscaler.engine.history import History
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
from tests.engine.policies import Says
from tests.records import NOW, fleet, replica, seen

FLEET = fleet(airflow="airflow", max_replicas=50, min_replicas=0)


def world(at=NOW, connections=None, most=100, latency=None, version="3.3.2"):
    """What one tick reads of what is shared."""
    state = AirflowState(at, version, connections=connections)
    observations = {"airflow": state if most is None else replace(state, max_connections=most)}
    if latency is not None:
        observations["api"] = ApiServerState(at, version, {}, latency)
    return Snapshot(at, observations)


def view(replicas, at=NOW, name="default", **of_fleet):
    """So many replicas of one fleet, as long there as matters."""
    made = seen(*(replica(f"{name}-{n}") for n in range(replicas)), now=at)
    return replace(made, fleet=replace(FLEET, name=name, **{"slots_per_replica": 4, **of_fleet}))


class Watched:
    """Loads over ticks of five seconds, of which fleets have so many replicas each."""

    def __init__(self, **of_fleets):
        self.loads, self.at, self.of_fleets = Loads(), NOW, of_fleets

    def tick(self, replicas, ticks=1, connections=None, latency=None, **of_world):
        """What each fleet may add after so many ticks, with its bottleneck's sentence."""
        for _ in range(ticks):
            views = {n: view(r, self.at, n, **self.of_fleets) for n, r in replicas.items()}
            read = world(self.at, connections, latency=latency, **of_world)
            self.loads = self.loads.after(read, views)
            self.at += 5
        return {n: each.headroom for n, each in self.loads.laid_on(views).items()}

    def learn(self, base=10, each=8, base_seconds=0.1, each_seconds=0.05, up_to=4):
        """Let fleet `default` grow to four replicas, one by one."""
        for number in range(1, up_to + 1):
            seconds = base_seconds + each_seconds * number
            self.tick({"default": number}, 5, base + each * number, seconds)
        return self


def test_until_a_cost_is_known_one_is_assumed_by_slots():
    assert Watched().tick({"default": 1}, connections=40)["default"] == Headroom(
        5,
        Verdict(
            Bottleneck.DATABASE,
            "40 of 100 database connections are in use, 90 may be;"
            " about 10 a replica, assumed until it is known",
        ),
    )
    unmeasured = Watched(slots_per_replica=None).tick({"default": 1}, connections=20)
    assert unmeasured["default"].replicas == 2, "34 for Airflow's 16 slots"
    assert Watched().tick({"default": 1}, connections=89)["default"].replicas == 1
    assert Watched().tick({"default": 1}, connections=90)["default"].replicas == 0


def test_then_what_a_replica_adds():
    room = Watched().learn().tick({"default": 4}, connections=43, latency=0.3)["default"]
    assert room.replicas == 5
    assert room.verdict.message == (
        "43 of 100 database connections are in use, 90 may be;"
        " about 8 a replica, by what they cost so far"
    )


def test_the_scarcer_of_the_two_bounds_growth():
    watched = Watched().learn()
    watched.tick({"default": 4}, 2, connections=42, latency=1.895)
    room = watched.tick({"default": 4}, connections=42, latency=1.895)["default"]
    assert (room.replicas, room.verdict.bottleneck) == (2, Bottleneck.API_SERVER)
    assert room.verdict.message == (
        "the API server answers in 1.9 s, 2 s are allowed;"
        " about 0.05 s a replica, by what they cost so far"
    )


def test_of_latency_nothing_is_assumed_and_one_slow_answer_is_none():
    watched = Watched()
    assert watched.tick({"default": 1}, 3, latency=0.3)["default"].replicas == 49
    assert watched.tick({"default": 1}, latency=3.5)["default"].replicas == 49
    assert watched.tick({"default": 1}, latency=3.5)["default"].replicas == 0
    assert watched.tick({"default": 1})["default"] is None, "it was not read"
    assert watched.tick({"default": 1}, latency=0.3)["default"].replicas == 49


def test_tasks_of_airflow_2_do_not_ask_its_webserver():
    assert Watched().tick({"default": 1}, latency=9.0, version="2.11")["default"] is None


@pytest.mark.parametrize(
    "read",
    [
        {},
        {"connections": 99, "most": None},
        {"connections": float("nan")},
        {"latency": float("nan")},
        {"latency": -1.0},
    ],
)
def test_what_is_not_known_bounds_nobody(read):
    assert Watched().tick({"default": 1}, **read)["default"] is None


def test_a_budget_may_be_lifted():
    free = Watched(budgets=Budgets(None, None))
    assert free.tick({"default": 1}, connections=99, latency=9.0)["default"] is None


def test_a_fleet_of_no_airflow_has_no_budget_and_counts_for_nothing():
    watched = Watched(airflow=None)
    assert watched.tick({"default": 1}, connections=99)["default"] is None
    assert watched.loads.crews == {}


def test_another_airflow_is_not_loaded():
    assert Watched(airflow="other").tick({"default": 1}, connections=99)["default"] is None


def test_fleets_of_one_airflow_divide_what_is_left():
    rooms = Watched().tick({"a": 1, "b": 1, "c": 1}, connections=20)
    assert sorted(room.replicas for room in rooms.values()) == [2, 2, 3]


def test_workers_that_just_came_are_counted_until_their_load_shows():
    watched = Watched().learn()
    assert watched.tick({"default": 4}, connections=42)["default"].replicas == 6
    room = watched.tick({"default": 7}, connections=42)["default"]
    assert room.replicas == 3
    assert room.verdict.message.endswith("; 3 still coming")
    assert watched.tick({"default": 7}, 2, connections=66)["default"].replicas == 3


def test_what_cannot_be_counted_stays_as_it_was():
    watched = Watched().learn()
    unread = replace(view(0, watched.at), missing={"target/default": "down"})
    later = watched.loads.after(world(watched.at, 42), {"default": unread})
    assert (later.crews, later.growths) == (watched.loads.crews, watched.loads.growths)
    unheard = Loads().after(world(connections=42), {"default": unread})
    assert unheard.crews == {}
    assert unheard.laid_on({"default": unread})["default"].headroom.replicas == 4


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


def test_a_decision_ends_with_it():
    bounded = replace(view(2), headroom=Headroom(1, USED_UP.verdict))
    settled = History(guard=GuardMemory.settled(NOW - 5))
    decision, _ = decide([Says(9)], bounded, settled)
    assert (decision.desired, decision.reason) == (3, "BudgetExceeded")


def test_the_verdict_names_what_is_used_up_but_only_when_it_held_growth_back():
    view = replace(seen(replica("a")), headroom=USED_UP)
    held, free = (Step(Stage.GUARD, 3, 1, reason, "") for reason in ("BudgetExceeded", "Other"))
    ticks = [
        FleetTick(view, Decision("f", NOW, 1, 1, (s,)), Result.UNCHANGED) for s in (held, free)
    ]
    assert [verdict(tick).bottleneck for tick in ticks] == [Bottleneck.DATABASE, Bottleneck.NONE]


@given(
    base=st.integers(0, 60),
    each=st.integers(0, 30),
    most=st.integers(1, 1000),
    percent=st.integers(1, 100),
    wanted=st.integers(0, 60),
)
def test_a_cost_that_is_known_exactly_is_never_exceeded_and_nothing_lowered(
    base, each, most, percent, wanted
):
    watched = Watched(budgets=Budgets(float(percent))).learn(base, each)
    used = base + each * 4
    if used == 0:
        return
    views = {"default": view(4, watched.at, budgets=Budgets(float(percent)))}
    laid = watched.loads.after(world(watched.at, used, most), views).laid_on(views)["default"]
    step = cap_growth(laid, wanted)
    after = wanted if step is None else step.after
    assert after >= min(4, wanted)
    assert after <= max(4, wanted)
    assert after <= 4 or base + each * after <= most * percent / 100

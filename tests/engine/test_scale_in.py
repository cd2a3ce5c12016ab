"""Which units come, stay and leave."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.invariants import violations
from autoscaler.engine.scale_in import choose, kept_by_order, on_their_way_out, plan, removable
from autoscaler.model import ActionKind, Decision, Drain, DrainRules, Fence, QueuesFrom, UnitPhase
from tests.records import NOW, replica, seen

FENCE = Fence(3, 100)
ADD, DRAIN, RESUME, REMOVE = (
    ActionKind.ADD,
    ActionKind.DRAIN,
    ActionKind.RESUME,
    ActionKind.REMOVE,
)


def wanted(snapshot, desired):
    """The plan as (kind, unit), after it was found to break no invariant."""
    actions = plan(snapshot, desired, FENCE)
    decision = Decision("default", NOW, snapshot.current, desired, ())
    assert list(violations(snapshot, decision, actions)) == []
    return [(action.kind, action.unit) for action in actions]


def names(replicas):
    return [each.name for each in replicas]


def test_nothing_is_done_when_the_number_is_right():
    assert wanted(seen(replica("a"), replica("b", 2)), 2) == []


def test_new_units_take_the_lowest_free_names_and_rising_fences():
    snapshot = seen(replica("default-2"))
    actions = plan(snapshot, 3, FENCE)
    assert [(a.kind, a.unit, a.fence) for a in actions] == [
        (ADD, "default-1", Fence(3, 100)),
        (ADD, "default-3", Fence(3, 101)),
    ]


def test_draining_units_are_resumed_before_any_is_added():
    early = replica("early", 1, drained=True, unit={"drain": Drain(NOW - 90, ("default",))})
    late = replica("late", 1, drained=True)
    snapshot = seen(replica("a"), early, late)
    assert wanted(snapshot, 2) == [(RESUME, "late")]
    assert wanted(snapshot, 4) == [(RESUME, "late"), (RESUME, "early"), (ADD, "default-1")]


def test_a_resumed_worker_gets_the_queues_it_had():
    mark = Drain(NOW - 5, ("high", "low"))
    snapshot = seen(replica("a", 1, drained=True, unit={"drain": mark}))
    [action] = plan(snapshot, 1, FENCE)
    assert (action.kind, action.worker, action.queues) == (RESUME, "a@host", ("high", "low"))


def test_a_unit_that_an_operator_drained_is_not_resumed():
    pinned = replica("b", 1, drained=True, unit={"drain": Drain(NOW, ("default",), pinned=True)})
    assert wanted(seen(replica("a"), pinned), 2) == [(ADD, "default-1")]


def test_a_silent_draining_worker_cannot_be_resumed_but_takes_room():
    snapshot = seen(replica("a"), replica("b", 1, drained=True, silent=True), max_replicas=2)
    assert wanted(snapshot, 2) == []


def test_a_terminating_unit_is_neither_capacity_nor_room():
    leaving = replica("b", 1, drained=True, phase=UnitPhase.TERMINATING)
    assert wanted(seen(replica("a"), leaving, max_replicas=2), 2) == [(ADD, "default-1")]


def test_victims_are_drained_within_max_draining():
    snapshot = seen(*(replica(f"w{n}") for n in range(7)), replica("x", 1, drained=True))
    assert len(wanted(snapshot, 1)) == 3
    assert {kind for kind, _ in wanted(snapshot, 1)} == {DRAIN}


def test_a_drain_that_a_higher_ordinal_keeps_is_in_nobodys_way():
    """Else one that an operator drained would forbid every other drain, for ever."""
    units = [replica(f"w-{n}", unit={"ordinal": n}, drained=n == 1) for n in range(4)]
    snapshot = seen(*units, drain=DrainRules(max_draining=1))
    assert on_their_way_out(snapshot) == frozenset()
    assert (DRAIN, "w-3") in wanted(snapshot, 2)


def test_a_drain_names_the_queues_that_the_worker_consumes():
    snapshot = seen(replica("a", queues=("default", "high")), replica("b", 3))
    [action] = plan(snapshot, 1, FENCE)
    assert (action.unit, action.queues) == ("a", ("default", "high"))


def test_nobody_leaves_while_anything_is_unknown():
    drained = replica("b", drained=True)
    snapshot = seen(replica("a"), replica("c"), drained, missing={"workers": "down"})
    assert wanted(snapshot, 1) == []
    assert wanted(seen(replica("a"), drained, missing={"workers": "down"}), 2) == [(RESUME, "b")]


def test_an_empty_drained_unit_is_removed_and_a_busy_one_waits():
    snapshot = seen(
        replica("a"),
        replica("empty", drained=True),
        replica("running", 1, drained=True),
        replica("holding", drained=True, reserved=2),
    )
    assert wanted(snapshot, 1) == [(REMOVE, "empty")]


def test_a_silent_worker_is_not_an_empty_worker():
    snapshot = seen(replica("a"), replica("b", drained=True, silent=True))
    assert wanted(snapshot, 1) == []


def test_a_marked_worker_that_still_takes_tasks_is_told_again():
    snapshot = seen(replica("a"), replica("b", drained=True, queues=("default",)))
    assert wanted(snapshot, 1) == [(DRAIN, "b")]


def test_a_marked_worker_that_does_not_tell_its_queues_is_not_drained():
    untold = replica("b", drained=True)
    untold = replace(untold, worker=replace(untold.worker, queues=None))
    assert wanted(seen(replica("a"), untold), 1) == [(DRAIN, "b")]


def test_a_unit_whose_worker_surely_never_was_goes_without_its_answer():
    unheard = replica("b", drained=True, registered=False, unheard=True)
    assert wanted(seen(replica("a"), unheard), 1) == [(REMOVE, "b")]
    [action] = plan(seen(replica("a"), unheard), 1, FENCE)
    assert action.unheard
    assert action.worker == "b@host"


def test_a_unit_whose_worker_may_only_be_forgotten_stays():
    forgotten = replica("b", drained=True, registered=False)
    snapshot = seen(replica("a"), forgotten)
    assert not removable(forgotten, snapshot)
    assert wanted(snapshot, 1) == []


def test_a_unit_that_never_registered_is_resumed_without_a_worker_to_tell():
    [action] = plan(seen(replica("a", drained=True, registered=False)), 1, FENCE)
    assert (action.kind, action.worker, action.queues) == (RESUME, "", ("default",))


def test_a_drained_unit_of_a_fleet_without_queues_is_removed():
    snapshot = seen(replica("a"), replica("b", 0, drained=True, registered=False), queues=())
    assert wanted(snapshot, 1) == [(REMOVE, "b")]


def test_a_worker_that_is_to_stay_and_takes_nothing_gets_its_queues_back():
    mute = replica("mute", queues=(), ready=False)
    silent = replica("silent", queues=(), silent=True)
    untold = replace(replica("untold"), worker=replace(replica("untold").worker, queues=None))
    snapshot = seen(replica("a"), mute, silent, untold, missing={"broker": "down"})
    [action] = plan(snapshot, 4, FENCE)
    assert (action.kind, action.unit, action.queues) == (RESUME, "mute", ("default",))
    assert wanted(seen(replica("a"), mute), 1) == [(DRAIN, "mute")]
    unheard = replica("b", registered=False, unheard=True)
    assert wanted(seen(mute, unheard, replica("c")), 2) == [(RESUME, "mute"), (DRAIN, "b")]


def test_a_worker_is_told_of_queues_that_were_found_after_its_start():
    found = {"queues": ("default", "eu"), "queues_from": QueuesFrom.SOURCES}
    starting = replica("c", registered=False)
    there = [replica("a"), replica("b", queues=("default", "eu")), starting]
    [action] = plan(seen(*there, **found), 3, FENCE)
    assert (action.kind, action.unit, action.queues) == (RESUME, "a", ("eu",))
    assert "serves eu as well" in action.reason
    leaving = replica("a", drained=True, unit={"drain": Drain(NOW, ("default",))})
    assert [kind for kind, _ in wanted(seen(leaving, there[1], **found), 1)] == [ActionKind.REMOVE]
    assert wanted(seen(*there, queues=("default", "eu")), 3) == []


def test_who_gets_its_queues_back_does_not_make_the_new_units_stale():
    actions = plan(seen(replica("a", queues=())), 2, Fence(1, 7))
    assert [(action.kind, action.fence.sequence) for action in actions] == [
        (ActionKind.RESUME, 7),
        (ActionKind.ADD, 8),
    ]


def test_units_that_serve_nobody_go_first_then_idle_then_soonest_empty():
    order = choose(
        seen(
            replica("busy-long", 1, expected_empty_seconds=900),
            replica("busy-short", 3, expected_empty_seconds=5),
            replica("idle"),
            replica("not-ready", 1, ready=False),
            replica("unheard", registered=False, unheard=True),
        ),
        5,
    )
    assert names(order) == ["unheard", "not-ready", "idle", "busy-short", "busy-long"]


def test_without_learned_durations_the_least_loaded_goes_first():
    order = choose(seen(replica("a", 2), replica("b", 1, reserved=3), replica("c", 1)), 2)
    assert names(order) == ["c", "a"]


def test_zones_stay_balanced_and_the_newest_goes_first():
    east = [replica(f"e{n}", unit={"zone": "east", "created_at": NOW - n}) for n in (30, 20, 10)]
    west = [replica("w1", unit={"zone": "west", "created_at": NOW})]
    assert names(choose(seen(*east, *west), 3)) == ["e10", "e20", "w1"]


def test_shielded_units_are_never_chosen():
    shielded = replica("a", unit={"shielded": True})
    assert names(choose(seen(shielded, replica("b", 4)), 2)) == ["b"]


def test_only_the_highest_ordinals_may_leave():
    units = [replica(f"w-{n}", 0 if n == 0 else 1, unit={"ordinal": n}) for n in range(4)]
    assert names(choose(seen(*units), 2)) == ["w-3", "w-2"]
    shielded = replica("w-4", unit={"ordinal": 4, "shielded": True})
    assert names(choose(seen(*units, shielded), 2)) == []
    middle = replica("w-2", unit={"ordinal": 2, "shielded": True})
    assert names(choose(seen(*units[:2], middle, units[3]), 3)) == ["w-3"]


def test_of_draining_ordinals_the_lowest_is_resumed():
    """One that stays above would keep all that drain below it."""
    drain = {"drain": Drain(NOW - 10, ("default",))}
    units = [replica(f"w-{n}", unit={"ordinal": n, **(drain if n else {})}) for n in (0, 3, 1, 2)]
    assert wanted(seen(*units), 2)[0] == (RESUME, "w-1")


def test_who_waits_for_a_higher_ordinal():
    units = [replica(f"w-{n}", unit={"ordinal": n}) for n in range(4)]
    assert kept_by_order({"w-3", "w-2"}, seen(*units)) == {}
    assert kept_by_order({"w-1", "w-2"}, seen(*units)) == {"w-1": "w-3", "w-2": "w-3"}
    gone = replica("w-3", unit={"ordinal": 3}, phase=UnitPhase.TERMINATING)
    assert kept_by_order({"w-2"}, seen(*units[:3], gone)) == {}
    assert kept_by_order({"a"}, seen(replica("a"), replica("b"))) == {}

"""Whose worker was ever heard of, and whose surely never was."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.hearing import Hearing
from autoscaler.model import UnitPhase
from tests.records import NOW, replica, seen

PENDING = UnitPhase.PENDING


def silent(name, phase=UnitPhase.RUNNING, created_at=NOW - 600):
    return replica(name, registered=False, phase=phase, unit={"created_at": created_at})


def never(hearing, *replicas):
    return [each.name for each in replicas if hearing.never(each.unit, NOW)]


def test_before_the_first_look_nothing_is_certain():
    assert never(Hearing(), silent("a"), silent("b", PENDING)) == []


def test_a_unit_that_ran_before_the_first_look_may_have_worked():
    old, booting = silent("old"), silent("booting", PENDING)
    hearing = Hearing().after(seen(replica("a"), old, booting))
    assert never(hearing, old, silent("booting"), silent("new")) == ["booting", "new"]


def test_a_worker_once_heard_of_is_remembered_when_its_source_forgets_it():
    first = Hearing().after(seen(replica("a")))
    told = replica("b", unit={"created_at": NOW - 600})
    forgotten = silent("b")
    hearing = first.after(seen(replica("a"), told)).after(seen(replica("a"), forgotten))
    assert never(hearing, forgotten) == []


def test_a_unit_made_anew_under_an_old_name_is_another():
    hearing = Hearing().after(seen(replica("a"), silent("b", created_at=NOW - 900)))
    assert never(hearing, silent("b", created_at=NOW - 600)) == ["b"]


def test_a_unit_that_is_starting_may_take_its_first_task_any_moment():
    hearing = Hearing().after(seen(replica("a")))
    young, overdue = silent("young", created_at=NOW - 120), silent("old", created_at=NOW - 121)
    assert never(hearing, young, overdue, silent("booting", PENDING, NOW - 5)) == ["old", "booting"]


def test_where_no_worker_was_ever_heard_of_only_what_has_not_started_is_unused():
    hearing = Hearing().after(seen())
    assert never(hearing, silent("a"), silent("b", PENDING)) == ["b"]
    assert never(hearing.after(seen(replica("c"))), silent("a")) == ["a"]
    gone = hearing.after(seen(replica("c"))).after(seen(now=NOW + 3600))
    assert gone == Hearing(anyone=True, deaf=False)


def test_a_unit_that_a_list_left_out_is_not_forgotten_at_once():
    first = Hearing().after(seen(replica("a"), replica("b")))
    forgotten = silent("b")
    for gap, unused in ((3599, []), (3600, ["b"])):
        later = first.after(seen(replica("a"), now=NOW + gap))
        assert never(later.after(seen(replica("a"), forgotten, now=NOW + gap)), forgotten) == unused


def test_who_started_while_nobody_listened_may_have_worked():
    hearing = Hearing().after(seen(replica("a")))
    later = hearing.after(replace(seen(replica("a"), silent("b", PENDING)), listening=False))
    assert never(later, silent("b")) == []
    assert never(later.after(seen(replica("a"), silent("b"))), silent("b")) == []
    assert never(later.after(seen(replica("a"))), silent("new")) == ["new"]


def test_units_that_could_not_be_read_are_not_forgotten():
    hearing = Hearing().after(seen(replica("a")))
    unread = {"target/default": "down"}
    assert hearing.after(seen(missing=unread)) == hearing
    assert hearing.after(replace(seen(missing=unread), listening=False)).deaf

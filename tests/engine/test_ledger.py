"""Which running tasks died, and whose doing it was."""

from __future__ import annotations

from autoscaler.engine.ledger import killed_tasks
from autoscaler.model import UnitPhase
from tests.records import NOW, replica, seen

GONE = seen()


def test_nobody_dies_where_nobody_goes():
    both = seen(replica("a", 2), replica("b"))
    assert killed_tasks(None, both) == {}
    assert killed_tasks(both, both) == {}


def test_an_empty_unit_that_leaves_kills_nothing():
    assert killed_tasks(seen(replica("a", drained=True, phase=UnitPhase.TERMINATING)), GONE) == {}
    assert killed_tasks(seen(replica("a", registered=False)), GONE) == {}


def test_tasks_of_a_unit_that_we_told_to_leave_are_our_doing():
    before = seen(replica("a", 3, drained=True, phase=UnitPhase.TERMINATING), replica("b", 1))
    assert killed_tasks(before, seen(replica("b", 1))) == {"scale_in": 3}


def test_tasks_of_a_unit_that_went_by_itself_have_another_cause():
    before = seen(replica("a", 2), replica("b", 1), replica("c", 5, phase=UnitPhase.FAILED))
    after = seen(replica("b", 1, phase=UnitPhase.FAILED))
    assert killed_tasks(before, after) == {"unknown": 3}


def test_a_new_unit_of_the_same_name_is_another_unit():
    after = seen(replica("a", unit={"created_at": NOW - 1}))
    assert killed_tasks(seen(replica("a", 2)), after) == {"unknown": 2}


def test_a_target_that_was_not_read_shows_no_death():
    blind = seen(missing={"target/default": "down"})
    assert killed_tasks(seen(replica("a", 2)), blind) == {}
    assert killed_tasks(blind, seen(replica("a", 2))) == {}

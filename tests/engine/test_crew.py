"""Which replicas show in the readings, and which will."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.crew import Crew, told_of
from autoscaler.model import UnitPhase
from tests.records import NOW, replica, seen


def young(name, **more):
    return replica(name, unit={"created_at": NOW - 20}, **more)


def test_those_at_the_first_look_have_long_been_there():
    assert Crew.first(seen(replica("a"), replica("b", drained=True))) == Crew(2)


def test_who_starts_is_coming_until_heard_of_and_a_while_longer():
    crew = Crew.first(seen(replica("a"), young("b", registered=False)))
    assert (crew.connected, crew.coming) == (1, 1)
    both = (replica("a"), young("b"))
    crew = crew.after(seen(*both, now=NOW + 5))
    assert (crew.connected, crew.starting, crew.coming) == (2, 0, 1)
    assert crew.after(seen(*both, now=NOW + 14)).coming == 1
    assert crew.after(seen(*both, now=NOW + 15)).coming == 0
    assert crew.after(seen(*both, now=NOW - 3600)).coming == 0, "the clock was set back"


def test_one_that_is_never_heard_of_is_not_waited_for_without_end():
    assert Crew.first(seen(replica("a", registered=False))) == Crew(0)


def test_one_that_leaves_or_has_failed_is_not_coming():
    leaving = young("a", registered=False, drained=True)
    failed = young("b", registered=False, phase=UnitPhase.FAILED)
    assert Crew.first(seen(leaving, failed)).coming == 0


def test_a_worker_that_took_its_leave_is_not_connected_and_a_silent_one_is():
    gone = replica("a")
    gone = replace(gone, worker=replace(gone.worker, offline=True))
    assert Crew.first(seen(gone, replica("b", silent=True))).connected == 1


def test_replicas_without_workers_count_once_they_are_ready():
    ready = replace(replica("a", registered=False), ready=True)
    assert Crew.first(seen(ready)).connected == 1


def test_who_can_be_counted():
    assert told_of(seen(replica("a"), missing={"broker": "down"}))
    assert not told_of(seen(missing={"target/default": "down"}))
    assert not told_of(replace(seen(replica("a")), listening=False))

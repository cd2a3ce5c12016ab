"""What is timed by what ticks show."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.learning import Learning
from autoscaler.model import ActiveTask, AirflowDemand, Measured, UnitPhase
from tests.records import NOW, replica, seen

TASK, START, RELEASE = Measured.TASK, Measured.START, Measured.SLOT_RELEASE


def runs(*ids, unit="a", started=10.0, **more):
    """A worker that runs these tasks, begun so many seconds before NOW."""
    active = tuple(ActiveTask(task, "tasks.nap", NOW - started) for task in ids)
    return replica(unit, active=active, **more)


def walk(*ticks):
    """The ticks five seconds apart: what was measured in each, as (kind, name, seconds)."""
    learning, told = Learning(), []
    for number, tick in enumerate(ticks):
        learning, measured = learning.after(replace(tick, now=NOW + 5 * number))
        told.append([(one.kind, one.name, one.seconds) for one in measured])
        assert all(one.at == NOW + 5 * number for one in measured)
    return told


def test_a_task_is_timed_from_its_start_until_its_worker_no_longer_tells_of_it():
    assert walk(seen(runs("t1", "t2")), seen(runs("t2")), seen(runs())) == [
        [],
        [(TASK, "tasks.nap", 15.0)],
        [(TASK, "tasks.nap", 20.0)],
    ]


def test_a_task_that_goes_with_its_unit_or_in_silence_is_not_timed():
    assert walk(seen(runs("t1")), seen(), seen(runs())) == [[], [], []]
    silent = runs("t1", silent=True)
    assert walk(seen(runs("t1")), seen(silent), seen(runs()))[1:] == [
        [],
        [(TASK, "tasks.nap", 20.0)],
    ]
    untold = replica("a", active=None)
    assert walk(seen(untold), seen(runs())) == [[], []]


def test_a_task_that_does_not_say_when_it_began_is_not_timed():
    mute = replica("a", active=(ActiveTask("t1", "tasks.nap"),))
    assert walk(seen(mute), seen(runs())) == [[], []]


def test_a_clock_that_was_set_back_measures_nothing_negative():
    ahead = runs("t1", started=-100.0)
    assert walk(seen(ahead), seen(runs())) == [[], []]
    born_later = replica("a", ready=False, unit={"created_at": NOW + 100})
    ready = replica("a", unit={"created_at": NOW + 100})
    assert walk(seen(born_later), seen(ready)) == [[], []]


def test_units_that_cannot_be_read_are_not_gone():
    unread = seen(missing={"target/default": "down"})
    assert walk(seen(runs("t1")), unread, seen(runs()))[2] == [(TASK, "tasks.nap", 20.0)]


def test_a_start_is_timed_until_the_worker_takes_tasks_if_we_saw_it_begin():
    made = {"created_at": NOW - 8}
    booting = replica("a", registered=False, phase=UnitPhase.PENDING, unit=made)
    ready = replica("a", unit=made)
    adopted = replica("b")
    assert walk(seen(booting, adopted), seen(ready, adopted), seen(ready, adopted)) == [
        [],
        [(START, "default", 13.0)],
        [],
    ]


def test_airflows_tasks_are_called_by_their_names_and_their_slots_timed():
    running = AirflowDemand(0, running={"t1": "etl.load"})
    ended = AirflowDemand(0)

    def tick(airflow, *ids):
        return replace(seen(runs(*ids), airflow="airflow"), airflow=airflow)

    ticks = tick(running, "t1"), tick(ended, "t1"), tick(ended, "t1"), tick(ended)
    assert walk(*ticks)[3] == [(TASK, "etl.load", 25.0), (RELEASE, "etl.load", 10.0)]
    unread = tick(running, "t1"), tick(None, "t1"), tick(ended)
    assert walk(*unread)[2] == [(TASK, "etl.load", 20.0)]
    not_yet_known = tick(ended, "t1"), tick(running, "t1"), tick(ended)
    assert walk(*not_yet_known)[2] == [(TASK, "etl.load", 20.0)]

"""What a fleet needs to start its tasks in time, by what is known of runs and of durations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.engine.foresight import Foresight, ahead_seconds, foresee
from autoscaler.engine.outlook import Outlook, finished_tasks
from autoscaler.engine.profiles import Profiles
from autoscaler.engine.surprises import Surprises
from autoscaler.model import (
    ActiveRun,
    ActiveTask,
    AirflowState,
    AirflowTask,
    DagStructure,
    DagTask,
    FinishedRun,
    FinishedTask,
    Job,
    Measured,
    Measurement,
    NextRun,
    Objective,
    Snapshot,
    StartUp,
    TimetableState,
)
from tests.records import NOW, replica, seen

CELERY = "CeleryExecutor"
START = StartUp(70, 105, 9)
PROMISE = Objective(30, 0.95)


def timed(**seconds):
    """Profiles in which each task took so long, often."""
    return Profiles().after(
        Measurement(Measured.FINISHED_TASK, name.replace("__", "."), value, NOW)
        for name, value in seconds.items()
        for _ in range(8)
    )


def view(*replicas, waiting=0, running=0, now=NOW, objective=PROMISE, **of_fleet):
    samples = {"waiting_tasks": waiting, "running_tasks": running}
    found = seen(*replicas, samples=samples, now=now, objective=objective, **of_fleet)
    return replace(found, start_up=START)


def alone(snapshot, profiles=Profiles(), before=Foresight()):  # noqa: B008 - values
    """The forecast of one fleet without Airflow."""
    (found,) = foresee(
        {"f": snapshot}, {"f": before}, Snapshot(snapshot.now), Outlook(), profiles
    ).values()
    return found


def fan(dag_id="etl", width=20):
    """A task, then many at once."""
    below = {str(n): DagTask(str(n), "default", CELERY, ("a",)) for n in range(width)}
    return DagStructure(dag_id, {"a": DagTask("a", "default", CELERY), **below})


def airflow(**changes):
    return AirflowState(**{"at": NOW, "version": "3.1.0", "structures": (fan(),), **changes})


def running(task_id="a", since=0.0, run_id="r"):
    started = NOW - since
    return AirflowTask("id", "etl", task_id, run_id, -1, "running", "default", None, started)


def ahead(state, profiles, **of_view):
    """The forecast of a fleet that follows this Airflow."""
    outlook = Outlook()
    snapshot = Snapshot(NOW, {"airflow": state})
    outlook.learn(snapshot)
    found = foresee({"f": view(airflow="airflow", **of_view)}, {}, snapshot, outlook, profiles)
    return found["f"][1].forecast


FANNED = ActiveRun("etl", "r", NOW - 100, NOW - 100, True, {str(n): 1 for n in range(20)})
LONG = timed(etl__a=60, **{f"etl__{n}": 300 for n in range(20)})


def test_without_an_objective_or_demand_nothing_is_forecast():
    assert alone(view(objective=None))[1].forecast is None
    assert alone(replace(seen(objective=PROMISE), start_up=START))[1].forecast is None


def test_long_tasks_need_a_slot_each():
    slow = timed(nap=600)
    busy = replica("a", active=(ActiveTask("1", "nap", NOW - 60),))
    foresight, found = alone(view(busy, waiting=3, running=1), slow)
    assert found.forecast is not None
    assert (found.forecast.busy, found.forecast.queued, found.forecast.needed) == (1, 3, 4)
    assert found.samples.named("expected_tasks")[0].value == found.forecast.expected == 0
    assert foresight.recent == ((NOW, 4),)


def test_short_tasks_take_turns():
    _, found = alone(view(waiting=60), timed(nap=3))
    assert found.forecast.needed == pytest.approx(6)


def test_unknown_tasks_need_a_slot_each():
    _, found = alone(view(waiting=60))
    assert found.forecast.needed == 60


def test_a_moment_of_more_than_usual_is_no_need_when_slots_are_freed_in_time():
    busy = replica("a", active=tuple(ActiveTask(str(n), "nap", NOW - 5) for n in range(4)))
    calm = Foresight(((NOW - 45, 0.0), (NOW - 30, 0.0), (NOW - 15, 0.0), (NOW - 60, 9.0)))
    _, found = alone(view(busy, running=4), timed(nap=11), calm)
    assert found.forecast.needed == pytest.approx(1), "6 s of each, or the mean of a minute"
    _, longer = alone(view(busy, running=5), timed(nap=600), calm)
    assert longer.forecast.needed == 5, "of one that no worker tells the whole slot counts"


def test_how_far_is_looked_ahead():
    snapshot = view(interval_seconds=15.0)
    assert ahead_seconds(snapshot, PROMISE) == 15 + 105 - 30
    assert ahead_seconds(snapshot, Objective(120, 0.95)) == 15


def test_a_run_that_is_due_is_expected_as_its_tasks_are_known():
    due = airflow(next_runs=(NextRun("etl", NOW + 10), NextRun("unknown", NOW)))
    short = timed(etl__a=2, **{f"etl__{n}": 300 for n in range(20)})
    assert ahead(due, short).expected == pytest.approx(20 + 2 / 30)
    assert ahead(due, LONG).expected == 20, "its first task ends in time"
    later = airflow(next_runs=(NextRun("etl", NOW + 900), NextRun("etl", NOW - 900)))
    assert ahead(later, LONG).expected == 0


def test_of_a_dag_never_seen_its_structure_is_known():
    due = airflow(next_runs=(NextRun("etl", NOW),))
    assert ahead(due, timed(other=5)).expected == pytest.approx(21 * 5 / 30)


def test_what_remains_of_a_run_begins_when_its_upstream_ends():
    about_to = airflow(runs=(FANNED,), tasks=(running(since=30),))
    assert ahead(about_to, LONG, running=1).expected == 19
    far = timed(etl__a=6000, **{f"etl__{n}": 300 for n in range(20)})
    assert ahead(about_to, far, running=1).expected == 0


def test_runs_without_tasks_at_work_and_of_unknown_structure_wait_for_something_else():
    assert ahead(airflow(runs=(FANNED,)), LONG).expected == 0
    unknown = airflow(runs=(FANNED,), tasks=(running(),), structures=())
    assert ahead(unknown, LONG, running=1).expected == 0


def test_queued_tasks_by_their_names():
    waits = AirflowTask("q", "etl", "0", "r", -1, "queued", "default", NOW)
    other = replace(waits, queue="elsewhere", task_id="1")
    found = ahead(airflow(tasks=(waits, other)), timed(etl__0=3, etl__1=300), waiting=10)
    assert found.needed == pytest.approx(1)


def test_other_queues_and_executors_are_no_concern():
    due = airflow(next_runs=(NextRun("etl", NOW),))
    assert ahead(due, LONG, queues=("elsewhere",)).expected == 0


def test_what_draining_workers_run_needs_no_slot_of_others():
    left = replica("a", busy=1, drained=True)
    outlook, state = Outlook(), airflow(runs=(FANNED,), tasks=(running(since=30),))
    outlook.learn(Snapshot(NOW, {"airflow": state}))
    fleet = view(left, airflow="airflow")
    found = foresee({"f": fleet}, {}, Snapshot(NOW, {"airflow": state}), outlook, LONG)
    assert found["f"][1].forecast.expected == 19


def test_a_due_run_is_played_once_until_something_of_its_dag_is_learned():
    outlook, due = Outlook(), airflow(next_runs=(NextRun("etl", NOW + 10),))
    outlook.learn(Snapshot(NOW, {"airflow": due}))

    def expected(profiles):
        snapshot = Snapshot(NOW, {"airflow": replace(due, structures=())})
        found = foresee({"f": view(airflow="airflow")}, {}, snapshot, outlook, profiles)
        return found["f"][1].forecast.expected

    assert expected(LONG) == 20
    slow = timed(etl__a=6000)
    assert expected(slow) == 20, "as before"
    over = FinishedRun("etl", "r", NOW, (FinishedTask("default", CELERY, NOW, 6000, "a"),))
    outlook.learn(Snapshot(NOW, {"airflow": airflow(structures=(), finished_runs=(over,))}))
    assert expected(slow) == 1


def test_what_is_played_is_bounded(monkeypatch):
    monkeypatch.setattr("autoscaler.engine.outlook.MOST_PLAYED", 1)
    both = (NextRun("etl", NOW + 10), NextRun("other", NOW + 10))
    state = airflow(next_runs=both, structures=(fan(), fan("other")))
    assert ahead(state, LONG).expected == 21, "the tasks of one that is not known are as any"


def test_finished_runs_tell_how_long_their_tasks_took():
    tasks = (
        FinishedTask("default", CELERY, NOW, 7, "load"),
        FinishedTask("default", CELERY, NOW, 9),
    )
    over = airflow(finished_runs=(FinishedRun("etl", "r", NOW, tasks),))
    assert list(finished_tasks(Snapshot(NOW, {"airflow": over}))) == [
        Measurement(Measured.FINISHED_TASK, "etl.load", 7, NOW)
    ]


def test_what_is_called_alike_but_for_numbers_is_known_by_it():
    known = timed(etl__map_1=40, other=5)
    assert known.of_task("etl.map_1").remaining(0) == 40
    assert known.of_task("etl.map_77").remaining(0) == 40
    assert known.of_task("new.one").remaining(0) == 5
    assert Profiles().of_task("new.one") is None


def test_a_little_is_spared_for_what_was_not_foreseen_while_there_is_work():
    unsure = Foresight(surprises=Surprises(spare=2.0))
    assert alone(view(waiting=60), before=unsure)[1].forecast.slots == 62
    assert alone(view(), before=unsure)[1].forecast.slots == 0


def test_a_reading_that_was_wrong_by_far_is_not_spared_for():
    before = Foresight()
    for tick in range(400):
        waiting = 10**9 if tick == 5 else 2
        small = view(waiting=waiting, running=2, now=NOW + 15 * tick, max_replicas=5)
        before, found = alone(small, before=before)
    assert found.forecast.slots < 5


def test_jobs_of_a_timetable_bring_what_they_brought_before():
    def tick(now, waiting, before):
        past = tuple(at for at in (NOW + 600, NOW) if at <= now)
        job = Job("report", frozenset({"default"}), past, (NOW + 600,) if now < NOW + 600 else ())
        other = Job("elsewhere", frozenset({"other"}), past, ())
        state = TimetableState(now, (job, other))
        of_view = view(waiting=waiting, now=now, max_replicas=99)
        snapshot = Snapshot(now, {"timetable": state})
        return foresee({"f": of_view}, {"f": before}, snapshot, Outlook(), Profiles())["f"]

    before = Foresight()
    for second in range(-15, 541, 15):
        before, found = tick(NOW + second, 20 if 0 <= second < 60 else 0, before)
    assert found.forecast.expected == 20
    assert found.forecast.until > NOW + 600

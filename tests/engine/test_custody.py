"""A unit is empty only when Airflow, too, calls none of its tasks running."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.custody import Custody
from autoscaler.engine.scale_in import removable
from autoscaler.model import ActiveTask, AirflowDemand
from tests.records import NOW, replica, seen


def runs(*tasks, unit="a", **more):
    active = tuple(ActiveTask(task, "execute_workload") for task in tasks)
    return replica(unit, active=active, **more)


def airflow(*running):
    return AirflowDemand(0, running=dict.fromkeys(running, "etl.load"))


def tick(*replicas, running=(), **more):
    of_airflow = seen(*replicas, airflow="airflow", **more)
    return replace(of_airflow, airflow=None if running is None else airflow(*running))


def lingering(custody, one, *running):
    return custody.laid_on(one, airflow(*running)).lingering


def test_a_drained_worker_whose_task_airflow_calls_running_is_not_removable():
    custody = Custody().after(tick(runs("t1", "t2"), running=("t1", "t2", "other")))
    emptied = runs(drained=True)
    left = custody.laid_on(emptied, airflow("t1", "other"))
    assert (left.lingering, removable(left, seen(left))) == (1, False)
    done = custody.laid_on(emptied, airflow("other"))
    assert (done.lingering, removable(done, seen(done))) == (0, True)
    assert custody.laid_on(emptied, None) == emptied


def test_what_the_worker_still_tells_of_does_not_linger():
    custody = Custody().after(tick(runs("t1"), running=("t1",)))
    assert lingering(custody, runs("t1"), "t1") == 0
    assert lingering(custody, runs(registered=False), "t1") == 1


def test_tasks_are_forgotten_when_airflow_says_that_they_ended():
    custody = Custody().after(tick(runs("t1"), running=("t1",)))
    assert custody.after(tick(runs(), running=())) == Custody()
    assert custody.after(tick(runs(), running=("t1",))) == custody


def test_nothing_is_forgotten_while_airflow_or_the_units_are_unread():
    custody = Custody().after(tick(runs("t1"), running=("t1",)))
    blind = custody.after(tick(runs("t2"), running=None))
    assert [sorted(tasks) for tasks in blind.tasks.values()] == [["t1", "t2"]]
    assert custody.after(tick(missing={"target/default": "down"}, running=())) == custody


def test_a_unit_that_a_list_left_out_is_not_forgotten():
    custody = Custody().after(tick(runs("t1"), running=("t1",)))
    assert custody.after(tick(running=("t1",))) == custody
    assert custody.after(tick()) == Custody()


def test_a_unit_made_anew_under_an_old_name_has_none_of_its_tasks():
    custody = Custody().after(tick(runs("t1"), running=("t1",)))
    assert lingering(custody, runs(unit="b"), "t1") == 0
    anew = replica("a", active=(), unit={"created_at": NOW - 1})
    assert lingering(custody, anew, "t1") == 0


def test_fleets_of_no_airflow_remember_nothing():
    assert Custody().after(seen(runs("t1"))) == Custody()

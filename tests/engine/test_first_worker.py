"""The first worker of an Airflow fleet, whatever holds it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.engine.decide import decide
from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.history import History, LoggedRecommendation
from autoscaler.model import (
    AirflowDemand,
    Behavior,
    Bottleneck,
    Override,
    ScalingRules,
    Select,
    StartUp,
    Verdict,
)
from tests.engine.policies import Says
from tests.records import NOW, replica, seen

SLOW_TO_GROW = Behavior(ScalingRules(900), ScalingRules(0))
SETTLED = History(guard=GuardMemory.settled(NOW - 5))
QUIET = SETTLED.recommended(0, NOW - 1, 900)


def waiting(age, *replicas, p90=75.0, timeout=600.0, tasks=3, **of_fleet):
    """A fleet without replicas, or with these, whose oldest task has waited for `age`."""
    fleet = {"min_replicas": 0, "max_replicas": 5, "behavior": SLOW_TO_GROW, **of_fleet}
    demand = AirflowDemand(tasks, oldest_at=NOW - age, task_queued_timeout_seconds=timeout)
    learned = None if p90 is None else StartUp(p90 / 2, p90, 9)
    return replace(seen(*replicas, **fleet), airflow=demand, start_up=learned)


def decided(snapshot, *policies, history=QUIET, override=None):
    chosen = policies or (Says(2),)
    return decide(chosen, snapshot, history, override)[0]


def test_it_comes_past_the_stabilization_window_half_the_timeout_before_the_end():
    assert decided(waiting(225)).desired == 0
    decision = decided(waiting(226))
    assert (decision.desired, decision.reason) == (1, "QueuedTooLong")
    assert decision.message == (
        "no worker is ready, a task has waited for 3 min and a worker takes 75 s to start,"
        " and Airflow gives the task up after 10 min"
    )


@pytest.mark.parametrize(("p90", "age"), [(None, 181), (400.0, 0), (1.0, 300)])
def test_a_start_takes_what_was_learned_or_two_minutes(p90, age):
    assert decided(waiting(age, p90=p90)).desired == 1
    assert decided(waiting(age, p90=p90, timeout=3000)).desired == 0


def test_it_comes_past_a_policy_that_is_not_active():
    assert decided(waiting(400), Says(0, active=False)).desired == 1


def test_one_that_starts_is_kept_and_no_second_one_is_asked_for():
    starting = replica("a", registered=False)
    assert decided(waiting(400, starting), Says(0, active=False)).desired == 1
    assert decided(waiting(400, starting)).desired == 1


@pytest.mark.parametrize(
    "snapshot",
    [
        waiting(400, replica("a")),
        waiting(400, tasks=0),
        waiting(400, max_replicas=0),
        waiting(400, behavior=Behavior(ScalingRules(900, Select.DISABLED), ScalingRules(0))),
        replace(waiting(400), airflow=AirflowDemand(3)),
        replace(waiting(400), airflow=None),
        replace(waiting(400), blockage=Verdict(Bottleneck.DATABASE, "it is down")),
    ],
    ids=["ready", "nothing waits", "no more", "disabled", "no age", "plain Celery", "outage"],
)
def test_it_does_not_come(snapshot):
    decision = decided(snapshot, Says(0, active=False))
    assert decision.desired <= (1 if snapshot.ready else 0)


def test_it_does_not_come_above_a_ceiling():
    assert decided(waiting(400), Says(2, ceiling=0)).desired == 0
    assert decided(waiting(400), Says(2, ceiling=3)).desired == 1


def test_the_first_cycle_only_observes():
    assert decided(waiting(400), Says(0, active=False), history=History()).desired == 0


def test_an_operator_is_believed():
    held = Override("default", "maintenance", "ana", NOW, replicas=0)
    assert decided(waiting(400), override=held).desired == 0
    paused = Override("default", "maintenance", "ana", NOW)
    assert decided(waiting(400), override=paused).desired == 1


def test_without_behavior_it_is_the_same():
    log = (LoggedRecommendation(0, NOW - 1),)
    history = replace(SETTLED, recommendations=log)
    assert decided(waiting(400, behavior=None), Says(0, active=False), history=history).desired == 1

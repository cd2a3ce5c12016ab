"""Checks of Airflow's tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.checks.airflow_tasks import (
    AirflowQueueUnserved,
    AirflowTasksLost,
    AirflowTasksQueuedTooLong,
    AirflowWorkBlocked,
)
from autoscaler.model import (
    AirflowDemand,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    Block,
    Blocker,
    Bottleneck,
    Severity,
    StartUp,
    Verdict,
)
from tests.checks.scene import look, make, scene
from tests.records import NOW, replica, seen
from tests.ticks import turn


def running(age: float | None, queue: str = "default", **more: Any) -> AirflowTask:
    beat = None if age is None else NOW - age
    facts = {"state": "running", "heartbeat_at": beat, "hostname": "w1", **more}
    return AirflowTask("id", "etl", "load", "run", -1, queue=queue, **facts)


def of(*tasks: AirflowTask, **more: Any) -> AirflowState:
    return AirflowState(NOW, "3.3.2", tasks=tasks, **more)


def test_tasks_whose_worker_is_gone():
    tasks = (
        running(46),
        running(50, hostname=""),
        running(90, "heavy"),
        running(45),
        running(None),
        running(99, state="queued"),
    )
    first, second = look(make(AirflowTasksLost), scene(airflow=of(*tasks)))[0]
    assert first.summary == (
        "2 running tasks of queue default gave no sign of life for up to 50 s: etl.load, etl.load."
    )
    assert first.evidence == {"tasks_on_w1": "1", "tasks_on_unknown": "1"}
    assert first.labels == {"source": "airflow", "queue": "default"}
    assert second.labels["queue"] == "heavy"
    assert make(AirflowTasksLost).options.for_seconds + 45 + 5 < 90, "told within 90 s"


def test_tasks_that_airflow_is_about_to_fail():
    def state(age: float | None) -> AirflowState:
        oldest = None if age is None else NOW - age
        queue = AirflowQueue("default", "CeleryExecutor", queued=7, oldest_queued_at=oldest)
        return of(queues={("default", "CeleryExecutor"): queue})

    check = make(AirflowTasksQueuedTooLong)
    assert look(check, scene(airflow=state(None)))[0] == []
    assert look(check, scene(airflow=state(300)))[0] == []
    [finding] = look(check, scene(airflow=state(301)))[0]
    assert finding.summary == (
        "A task of queue default has been queued for 5 min; its message is void after 10 min."
    )
    assert finding.evidence == {"queued": "7", "queued_for_seconds": "301"}


def test_where_no_worker_is_ready_its_start_is_part_of_the_wait():
    queue = AirflowQueue("default", "CeleryExecutor", queued=7, oldest_queued_at=NOW - 100)
    state = of(queues={("default", "CeleryExecutor"): queue}, task_queued_timeout_seconds=400)

    def found(*turns):
        return look(make(AirflowTasksQueuedTooLong), scene(*turns, airflow=state))[0]

    none = replace(seen(), start_up=StartUp(60, 120, 5))
    other = turn(snapshot=replace(seen(replica("a"), name="eu", queues=("eu",))))
    [finding] = found(turn(snapshot=none), other)
    assert finding.summary == (
        "A task of queue default has been queued for 100 s and no worker is ready: one takes 2 min;"
        " its message is void after 6 min."
    )
    assert finding.evidence["worker_start_seconds"] == "120"
    assert found(turn(snapshot=replace(none, start_up=StartUp(60, 99, 5)))) == []
    assert found(turn(snapshot=replace(none, start_up=None))) == []
    assert found(turn(snapshot=replace(none, replicas=(replica("a"),)))) == []


def test_work_that_no_worker_could_help():
    pool = Verdict(Bottleneck.POOL, "adding workers would start 0 tasks: pool small is 1/1")
    demand = AirflowDemand(0, blocked={Block(Blocker.POOL, "small", 1, 1): 50})
    blocked = turn(snapshot=replace(seen(replica("a")), blockage=pool, airflow=demand))
    [finding] = look(make(AirflowWorkBlocked), scene(blocked))[0]
    assert finding.summary == (
        "Work of default is held up: adding workers would start 0 tasks: pool small is 1/1."
    )
    assert finding.labels == {"fleet": "default", "bottleneck": "pool"}
    assert finding.evidence == {"bottleneck": "pool", "pool_small": "1/1"}
    assert finding.severity is Severity.INFO


def test_a_scheduler_that_does_nothing_holds_work_up_and_an_outage_is_told_elsewhere():
    for bottleneck, number in ((Bottleneck.SCHEDULER, 1), (Bottleneck.DATABASE, 0)):
        verdict = Verdict(bottleneck, "no scheduler is running")
        fleet = turn(snapshot=replace(seen(replica("a")), blockage=verdict))
        assert len(look(make(AirflowWorkBlocked), scene(fleet))[0]) == number
    assert look(make(AirflowWorkBlocked), scene(turn()))[0] == []


def test_a_queue_that_no_fleet_serves():
    def queue(name: str, executor: str = "CeleryExecutor", **counts: int) -> AirflowQueue:
        return AirflowQueue(name, executor, **counts)

    queues = (
        queue("default", queued=5),
        queue("gpu", queued=2, running=1),
        queue("idle", scheduled=4),
        queue("pods", "KubernetesExecutor", queued=9),
    )
    state = of(queues={(q.name, q.executor): q for q in queues})
    [finding] = look(make(AirflowQueueUnserved), scene(turn(), airflow=state))[0]
    assert finding.summary == (
        "Airflow uses queue gpu, which no fleet serves: 2 queued, 1 running."
    )
    assert finding.labels == {"source": "airflow", "queue": "gpu"}


@pytest.mark.parametrize(
    "check", [AirflowTasksLost, AirflowTasksQueuedTooLong, AirflowQueueUnserved]
)
def test_what_was_not_read_is_not_judged(check: Any):
    tick = scene(airflow=of(running(500)), missing={"airflow": "down"})
    findings, [unchecked] = look(make(check), tick)
    assert (findings, unchecked.labels) == ([], {"source": "airflow"})


def test_a_fleet_whose_data_is_missing_is_not_judged():
    fleet = turn(snapshot=seen(replica("a"), missing={"broker": "down"}))
    findings, [unchecked] = look(make(AirflowWorkBlocked), scene(fleet))
    assert (findings, unchecked.labels) == ([], {"fleet": "default"})

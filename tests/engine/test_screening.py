"""A bad value becomes a reason, not a number."""

from __future__ import annotations

import math

import pytest

from autoscaler.engine.screening import plausible, screen
from autoscaler.model import (
    ActiveRun,
    AirflowJob,
    AirflowPool,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    Block,
    Blocker,
    BrokerState,
    FinishedRun,
    FinishedTask,
    JobKind,
    NextRun,
    QueueState,
    Sample,
    SampleState,
    WorkersState,
    WorkerState,
)
from tests.records import NOW, worker


def broker(*queues, **more):
    return BrokerState(NOW, {queue.name: queue for queue in queues}, **more)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1, 1e16, 10**400])
def test_what_cannot_be_a_measurement(value):
    assert not plausible(value)


def test_good_readings_pass_untouched():
    good = {
        "broker": broker(QueueState("a", 3), QueueState("b", 0, 1, 2, 0.5)),
        "workers": WorkersState(NOW, {"w": worker("w")}),
        "prometheus": SampleState(NOW, (Sample("x", 1.0, NOW),)),
    }
    assert screen(good, {}, NOW) == type(screen({}, {}, NOW))(good, {})


def test_readings_of_no_time_are_not_believed():
    timeless = BrokerState(math.nan, {"a": QueueState("a", 0)})
    screened = screen({"broker": timeless}, {}, NOW)
    assert not screened.observations
    assert "broker" in screened.missing


def test_an_impossible_queue_is_missing_and_the_others_are_not():
    read = broker(QueueState("a", -1), QueueState("b", 2), QueueState("c", 1, unacked=-4))
    screened = screen({"broker": read}, {}, NOW)
    assert set(screened.observations["broker"].queues) == {"b"}
    assert set(screened.missing) == {"broker/a", "broker/c"}


def test_what_the_source_could_not_read_keeps_its_reason():
    read = broker(unreadable={"a": "wrong type"})
    assert screen({"broker": read}, {"p": "down"}, NOW).missing == {
        "broker/a": "wrong type",
        "p": "down",
    }


def test_impossible_totals_are_forgotten():
    screened = screen({"broker": broker(unacked_tasks=-3)}, {}, NOW)
    assert screened.observations["broker"].unacked_tasks is None
    assert "broker/unacked" in screened.missing


def test_what_two_workers_say_in_one_name_is_not_believed():
    told = {"one": worker("one"), "two": worker("two", pid=7)}
    read = WorkersState(NOW, told, frozenset({"two", "gone"}))
    screened = screen({"workers": read}, {}, NOW).observations["workers"]
    assert screened.workers == {"one": worker("one"), "two": WorkerState("two", pid=7)}
    assert screened.duplicates == {"two", "gone"}


def test_an_impossible_worker_is_still_a_worker_but_says_nothing():
    for bad in ({"reserved": -1}, {"slots": -4}, {"answered_at": NOW + 60}):
        read = WorkersState(NOW, {"w": worker("w", 2, **bad)})
        [kept] = screen({"workers": read}, {}, NOW).observations["workers"].workers.values()
        assert kept == WorkerState("w")


def test_one_impossible_series_makes_its_whole_name_unknown():
    values = (
        Sample("sum", 1.0, NOW, {"pod": "a"}),
        Sample("sum", math.nan, NOW, {"pod": "b"}),
        Sample("late", 1.0, NOW + 60),
        Sample("good", 2.0, NOW),
        Sample("partial", 3.0, NOW),
    )
    state = SampleState(NOW, values, unreadable={"partial": "HTTP 500"})
    screened = screen({"p": state}, {}, NOW)
    assert [sample.name for sample in screened.observations["p"].values] == ["good"]
    assert set(screened.missing) == {"p/sum", "p/late", "p/partial"}


def airflow(**parts):
    return AirflowState(NOW, "3.3", **parts)


def of_queue(**counts):
    return airflow(queues={("etl", "C"): AirflowQueue("etl", "C", **counts)})


def of_run(started_at=NOW - 60, ready_at=NOW - 50, run_seconds=5.0):
    task = FinishedTask("etl", "C", ready_at, run_seconds)
    return FinishedRun("d", "r", started_at, (task,))


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (of_queue(queued=-1), "tasks of queue etl: -1"),
        (of_queue(hidden=math.nan), "tasks of queue etl: nan"),
        (of_queue(blocked={Block(Blocker.POOL, "p", 1, 1): -2}), "tasks of queue etl: -2"),
        (of_queue(blocked={Block(Blocker.POOL, "p", -3, 1): 2}), "tasks of queue etl: -3"),
        (airflow(pools={"p": AirflowPool("p", 4, -1)}), "used slots of pool p: -1"),
        (airflow(runs=(ActiveRun("d", "r", 1, 2, True, {"t": -1}),)), "pending tasks of d: -1"),
        (airflow(parallelism=10**18), f"parallelism: {10**18}"),
        (airflow(triggers={("", ""): -1}), "triggers: -1"),
        (
            airflow(jobs=(AirflowJob(JobKind.SCHEDULER, "h", math.nan),)),
            "heartbeat of SchedulerJob on h: nan",
        ),
        (airflow(clock_skew_seconds=math.inf), "difference of the clocks: inf"),
    ],
)
def test_one_impossible_number_makes_all_of_airflow_unknown(read, why):
    screened = screen({"airflow": read}, {}, NOW)
    assert screened.observations == {}
    assert screened.missing == {"airflow": f"an impossible reading: {why}"}


def test_a_good_reading_of_airflow_passes_untouched():
    task = AirflowTask("id", "d", "t", "r", -1, "running", "etl", NOW - 9, NOW - 8, NOW - 1)
    job = AirflowJob(JobKind.SCHEDULER, "h", NOW + 600)  # alive for Airflow, too
    good = airflow(
        queues={("etl", "C"): AirflowQueue("etl", "C", 1, 2, oldest_queued_at=NOW - 9)},
        tasks=(task,),
        pools={"p": AirflowPool("p", None, 3)},
        runs=(ActiveRun("d", "r", NOW, None, True, {"t": 3}),),
        jobs=(job,),
        parsed_at=NOW + 4,
        clock_skew_seconds=-3600.0,
        next_runs=(NextRun("d", NOW + 600),),
        finished_runs=(of_run(),),
    )
    assert screen({"airflow": good}, {}, NOW).observations == {"airflow": good}


@pytest.mark.parametrize("late", [NOW + 6, math.nan, math.inf, -1.0])
def test_a_time_of_airflow_that_has_not_come_is_forgotten(late):
    task = AirflowTask("id", "d", "t", "r", -1, "running", "etl", late, late, late)
    queue = AirflowQueue("etl", "C", 1, oldest_queued_at=late, oldest_admissible_at=late)
    read = airflow(queues={("etl", "C"): queue}, tasks=(task,), parsed_at=late)
    screened = screen({"airflow": read}, {}, NOW)
    known = AirflowTask("id", "d", "t", "r", -1, "running", "etl")
    queues = {("etl", "C"): AirflowQueue("etl", "C", 1)}
    assert screened.observations == {"airflow": airflow(queues=queues, tasks=(known,))}
    assert screened.missing == {}


def test_nothing_is_learned_of_runs_that_cannot_be_over_or_come_at_no_time():
    bad = (
        of_run(started_at=NOW + 6),
        of_run(run_seconds=math.nan),
        of_run(run_seconds=-1.0),
        of_run(ready_at=NOW + 6),
    )
    read = airflow(finished_runs=(of_run(), *bad), next_runs=(NextRun("d", math.nan),))
    kept = screen({"airflow": read}, {}, NOW).observations["airflow"]
    assert (kept.finished_runs, kept.next_runs) == ((of_run(),), ())


@pytest.mark.parametrize(("at", "word"), [(NOW + 6, "future"), (NOW - 61, "old")])
def test_readings_from_another_time_are_not_believed(at, word):
    screened = screen({"broker": BrokerState(at, {})}, {}, NOW)
    assert screened.observations == {}
    assert word in screened.missing["broker"]


def test_a_record_of_another_kind_passes():
    class Other(SampleState.__mro__[1]):
        at = NOW

        def samples(self):
            return iter(())

    other = Other()
    assert screen({"o": other}, {}, NOW).observations == {"o": other}

"""A fleet's part of what was read where Airflow has a word on its demand."""

from __future__ import annotations

from autoscaler.engine.demand import take_snapshot
from autoscaler.engine.screening import Screened
from autoscaler.model import (
    AirflowJob,
    AirflowQueue,
    AirflowState,
    Bottleneck,
    BrokerState,
    JobKind,
    QueueState,
    WorkersState,
)
from tests.engine.test_demand import unit, values, view
from tests.records import NOW, worker


def airflow_world(*queues, missing=None, broker=True, depth=3, **observed):
    """One busy worker on one unit, and Airflow's own account of the queue beside the broker's."""
    counts = {(queue.name, queue.executor): queue for queue in queues}
    observations = {
        "broker": BrokerState(NOW, {"default": QueueState("default", depth)}),
        "workers": WorkersState(NOW, {"a@host": worker("a@host", busy=2, reserved=1)}),
        "airflow": AirflowState(NOW, "3.3.2", counts),
        **observed,
    }
    kinds = {name: type(each) for name, each in observations.items()}
    if not broker:
        del observations["broker"], kinds["broker"]
    faults = missing or {}
    read = {name: each for name, each in observations.items() if name not in faults}
    units = {"default": (unit("a"),)}
    sources = frozenset({"workers"})
    return take_snapshot(NOW, Screened(read, faults), units, sources, kinds)


def test_airflows_word_counts_where_it_has_one():
    queue = AirflowQueue("default", "CeleryExecutor", queued=7, oldest_queued_at=NOW - 12)
    seen = view(airflow_world(queue), airflow="airflow")
    assert (values(seen)["waiting_tasks"], values(seen)["demand_tasks"]) == (7, 9)
    assert seen.samples.named("oldest_task_age_seconds")[0].value == 12
    assert seen.samples.named("queue_depth")[0].value == 3
    assert (seen.missing, seen.blockage) == ({}, None)


def test_stale_messages_in_the_broker_are_no_demand_of_airflow():
    beats = (AirflowJob(JobKind.SCHEDULER, "host", NOW),)
    idle = AirflowState(NOW, "3.3.2", jobs=beats)
    seen = view(airflow_world(depth=90, airflow=idle), airflow="airflow")
    assert (values(seen)["waiting_tasks"], seen.blockage) == (0, None)
    assert seen.samples.named("oldest_task_age_seconds")[0].value == 0


def test_without_airflow_nothing_is_known_and_nothing_goes():
    for faults in ({"airflow": "connection refused"}, {}):
        snapshot = airflow_world(missing=faults)
        name = "airflow" if faults else "elsewhere"
        seen = view(snapshot, airflow=name)
        assert "waiting_tasks" not in values(seen)
        assert name in seen.missing
    assert view(airflow_world(missing={"airflow": "x"}), airflow="airflow").blockage is not None


def test_a_fleet_of_airflow_needs_no_broker_but_a_broken_one_is_told():
    assert view(airflow_world(broker=False), airflow="airflow").missing == {}
    seen = view(airflow_world(missing={"broker": "down"}), airflow="airflow")
    assert seen.missing == {"queue/default": "broker: down", "broker": "down"}
    assert seen.blockage.bottleneck is Bottleneck.BROKER

"""The samples that follow from Airflow's records."""

import pytest

from autoscaler.model import (
    AirflowJob,
    AirflowPool,
    AirflowQueue,
    AirflowState,
    ApiServerState,
    Block,
    Blocker,
    JobKind,
)
from tests.records import NOW


def told(state):
    """Values by name and the labels' values."""
    samples = list(state.samples())
    assert all(sample.at == NOW for sample in samples)
    return {(each.name, *each.labels.values()): each.value for each in samples}


def test_a_state_that_tells_little():
    assert told(AirflowState(NOW, "2.x")) == {("airflow_import_errors",): 0}


def test_a_queue_by_state_and_what_blocks_it():
    blocked = {
        Block(Blocker.POOL, "small", 1, 1): 4,
        Block(Blocker.POOL, "large", 9, 9): 3,
        Block(Blocker.DAG_LIMIT, "etl", 16, 16): 2,
    }
    queue = AirflowQueue(
        "us",
        "CeleryExecutor",
        queued=1,
        running=2,
        restarting=3,
        scheduled=14,
        admissible=5,
        hidden=6,
        blocked=blocked,
        oldest_queued_at=NOW - 30,
    )
    values = told(AirflowState(NOW, "3.3", queues={("us", "CeleryExecutor"): queue}))
    of_queue = {
        key[3]: value
        for key, value in values.items()
        if key[0] == "airflow_tasks" and key[1] == "us"
    }
    assert of_queue == {
        "queued": 1,
        "running": 2,
        "restarting": 3,
        "scheduled": 14,
        "admissible": 5,
        "hidden": 6,
        "blocked_by_pool": 7,
        "blocked_by_dag_limit": 2,
        "blocked_by_parallelism": 0,
    }
    assert values["airflow_oldest_queued_age_seconds", "us", "CeleryExecutor"] == 30


def test_a_queue_with_nothing_queued_has_no_age():
    state = AirflowState(NOW, "3.3", queues={("us", ""): AirflowQueue("us", running=1)})
    assert ("airflow_oldest_queued_age_seconds", "us", "") not in told(state)


def test_ages_are_never_negative():
    queue = AirflowQueue("us", oldest_queued_at=NOW + 2)
    jobs = (AirflowJob(JobKind.SCHEDULER, "a", NOW + 1),)
    values = told(AirflowState(NOW, "3.3", queues={("us", ""): queue}, jobs=jobs))
    assert values["airflow_oldest_queued_age_seconds", "us", ""] == 0
    assert values["airflow_heartbeat_age_seconds", "SchedulerJob"] == 0


def test_the_last_heartbeat_of_each_kind_of_job_counts():
    jobs = (
        AirflowJob(JobKind.SCHEDULER, "a", NOW - 90),
        AirflowJob(JobKind.SCHEDULER, "b", NOW - 4),
        AirflowJob(JobKind.TRIGGERER, "c", NOW - 9),
    )
    values = told(AirflowState(NOW, "3.3", jobs=jobs))
    assert values["airflow_heartbeat_age_seconds", "SchedulerJob"] == 4
    assert values["airflow_heartbeat_age_seconds", "TriggererJob"] == 9


def test_pools_and_import_errors():
    pools = {"p": AirflowPool("p", 8, 5, waiting=2), "endless": AirflowPool("endless", None, 7)}
    assert told(AirflowState(NOW, "3.3", pools=pools, import_errors=1)) == {
        ("airflow_pool_used_slots", "p"): 5,
        ("airflow_pool_waiting_tasks", "p"): 2,
        ("airflow_pool_slots", "p"): 8,
        ("airflow_pool_used_slots", "endless"): 7,
        ("airflow_pool_waiting_tasks", "endless"): 0,
        ("airflow_import_errors",): 1,
    }


def test_triggers_by_queue_and_triggerer_and_what_those_alive_take():
    jobs = (
        AirflowJob(JobKind.TRIGGERER, "a", NOW - 4),
        AirflowJob(JobKind.TRIGGERER, "a", NOW - 5),
        AirflowJob(JobKind.TRIGGERER, "b", NOW - 29),
        AirflowJob(JobKind.TRIGGERER, "dead", NOW - 31),
        AirflowJob(JobKind.DAG_PROCESSOR, "d", NOW),
    )
    triggers = {("", ""): 0, ("", "a"): 7, ("us", "b"): 2}
    state = AirflowState(NOW, "3.3", jobs=jobs, triggers=triggers, triggerer_capacity=50)
    values = told(state)
    assert {key: value for key, value in values.items() if "trigger" in key[0]} == {
        ("airflow_triggers", "", ""): 0,
        ("airflow_triggers", "", "a"): 7,
        ("airflow_triggers", "us", "b"): 2,
        ("airflow_triggerer_capacity", "a"): 100,
        ("airflow_triggerer_capacity", "b"): 50,
    }


@pytest.mark.parametrize(("parsed_at", "lag"), [(NOW - 45, 45), (NOW + 1, 0)])
def test_the_parse_lag(parsed_at, lag):
    values = told(AirflowState(NOW, "3.3", parsed_at=parsed_at))
    assert values["airflow_parse_lag_seconds",] == lag


def test_an_api_server_and_its_parts():
    status = {"scheduler": "healthy", "metadatabase": "unhealthy", "triggerer": None}
    assert told(ApiServerState(NOW, "3.3.2", status, latency_seconds=0.25)) == {
        ("airflow_api_latency_seconds",): 0.25,
        ("airflow_healthy", "scheduler"): 1,
        ("airflow_healthy", "metadatabase"): 0,
    }

"""Source `airflow_database` on PostgreSQL: what it tells of Airflow 2.11 and 3."""

import pytest

from autoscaler.model import AirflowPool, AirflowTask
from tests.airflow_tables import ago
from tests.sources.airflow_scene import DEFAULT, NOW, airflow_on, around, read, reading, scheduler


async def test_an_airflow_with_nothing_to_do(airflow):
    state = await read(airflow)
    assert state.at == NOW
    assert state.version == {2: "2.11", 3: "3.3"}[airflow.major]
    assert (state.queues, state.tasks, state.jobs, state.next_runs) == ({}, (), (), ())
    assert state.pools == {"default_pool": AirflowPool("default_pool", 128, 0)}
    assert (state.triggers, state.import_errors) == ({("", ""): 0}, 0)
    assert state.parsed_at is None
    assert 1 <= state.connections < state.max_connections
    assert (state.read_only, state.replica_lag_seconds) == (False, None)
    assert state.clock_skew_seconds == pytest.approx(ago(0) - NOW, abs=2)


async def test_tasks_by_state_queue_and_executor(airflow):
    await airflow.tasks("queued", 2, "a", queued_dttm=ago(30))
    await airflow.tasks("queued", 1, "b", queued_dttm=ago(50))
    await airflow.tasks("queued", 1, "c", queued_dttm=None)
    await airflow.tasks("running", 3, "d", queue="us")
    await airflow.tasks("restarting", 1, "e", queue="us", executor="LocalExecutor")
    for number, state in enumerate(("success", "failed", "up_for_retry", "deferred", None)):
        await airflow.tasks(state, 1, f"other{number}")
    queues = (await read(airflow)).queues
    assert list(queues) == [DEFAULT, ("us", "CeleryExecutor"), ("us", "LocalExecutor")]
    assert queues[DEFAULT].queued == 4
    assert queues[DEFAULT].oldest_queued_at == around(50)
    assert queues["us", "CeleryExecutor"].running == 3
    assert queues["us", "CeleryExecutor"].oldest_queued_at is None
    assert queues["us", "LocalExecutor"].restarting == 1
    assert queues[DEFAULT].name == "default"
    assert queues[DEFAULT].executor == "CeleryExecutor"


async def test_every_task_that_the_executor_has(airflow):
    await airflow.add("job", {"id": 7, "job_type": "LocalTaskJob", "latest_heartbeat": ago(1)})
    await airflow.tasks(
        "running",
        task_id="load",
        external_executor_id="5c9d",
        hostname="worker-1.ns",
        queued_dttm=ago(9),
        start_date=ago(5),
        **({"last_heartbeat_at": ago(1)} if airflow.major == 3 else {"job_id": 7}),
    )
    await airflow.tasks("queued", task_id="wait", external_executor_id="", hostname=None)
    tasks = {task.task_id: task for task in (await read(airflow)).tasks}
    assert tasks["load"] == AirflowTask(
        "5c9d",
        "etl",
        "load",
        "r",
        0,
        "running",
        "default",
        queued_at=around(9),
        started_at=around(5),
        heartbeat_at=around(1),
        hostname="worker-1.ns",
    )
    assert tasks["wait"] == AirflowTask(None, "etl", "wait", "r", 0, "queued", "default")


async def test_what_the_database_leaves_open_is_as_airflow_is_told(airflow):
    await airflow.tasks("queued", task_id="a", queue=None)
    await airflow.tasks("queued", task_id="b", executor="my.executors.Special")
    await airflow.tasks("scheduled", task_id="c", queue=None, priority_weight=None)
    state = await read(airflow, default_queue="main", default_executor="a.b.LocalExecutor")
    assert list(state.queues) == [("default", "Special"), ("main", "LocalExecutor")]
    assert state.queues["main", "LocalExecutor"].admissible == 1


async def test_the_jobs_that_are_called_running(airflow):
    await scheduler(airflow, 5)
    await scheduler(airflow, 9, hostname=None)
    await scheduler(airflow, 4, state="success")
    await scheduler(airflow, 0, latest_heartbeat=None)
    await scheduler(airflow, 4000, job_type="TriggererJob", hostname="t")
    await scheduler(airflow, 7, job_type="DagProcessorJob", hostname="d")
    await scheduler(airflow, 1, job_type="LocalTaskJob")
    jobs = (await read(airflow)).jobs
    assert [(job.kind, job.hostname) for job in jobs] == [
        ("SchedulerJob", "a"),
        ("DagProcessorJob", "d"),
        ("SchedulerJob", ""),
        ("TriggererJob", "t"),
    ]
    assert [job.heartbeat_at for job in jobs] == [around(5), around(7), around(9), around(4000)]


async def test_import_errors_are_counted(airflow):
    await airflow.add("import_error", {"id": 1}, {"id": 2})
    assert (await read(airflow)).import_errors == 2


async def test_the_next_runs_within_the_horizon(airflow):
    gone = {"is_stale": True} if airflow.major == 3 else {"is_active": False}
    rows = {
        "later": {"next_dagrun_create_after": ago(-300)},
        "overdue": {"next_dagrun_create_after": ago(20)},
        "far": {"next_dagrun_create_after": ago(-3900)},
        "paused": {"next_dagrun_create_after": ago(-300), "is_paused": True},
        "broken": {"next_dagrun_create_after": ago(-300), "has_import_errors": True},
        "unknown": {"next_dagrun_create_after": ago(-200), "has_import_errors": None},
        "gone": {"next_dagrun_create_after": ago(-300), **gone},
        "never": {"next_dagrun_create_after": None},
    }
    await airflow.add("dag", *({"dag_id": dag_id, **row} for dag_id, row in rows.items()))
    runs = (await read(airflow)).next_runs
    assert [run.dag_id for run in runs] == ["overdue", "unknown", "later"]
    assert [run.at for run in runs] == [around(20), around(-200), around(-300)]
    assert len((await read(airflow, horizon_seconds=7200)).next_runs) == 4


async def test_a_dag_that_has_all_the_runs_it_may_gets_no_next_one(airflow3):
    full = {"next_dagrun_create_after": ago(-30), "exceeds_max_non_backfill": True}
    await airflow3.add("dag", {"dag_id": "full", **full})
    assert (await read(airflow3)).next_runs == ()


async def test_hidden_demand(airflow3):
    def callback(state, data, type_="executor"):
        wrapped = {"__type": "dict", "__var": {"path": "alert", **data}}
        return {"type": type_, "state": state, "data": wrapped}

    await airflow3.add(
        "callback",
        callback("pending", {}),
        callback("queued", {"queue": None, "executor": None}),
        callback("running", {"queue": "us"}),
        callback("running", {"executor": "a.b.LocalExecutor"}),
        callback("success", {}),
        callback("scheduled", {}),
        callback("running", {}, "triggerer"),
        {"type": "executor", "state": "running", "data": {"queue": "us"}},
    )
    await airflow3.add(
        "connection_test_request",
        {"state": "pending"},
        {"state": "running", "queue": "us", "executor": "CeleryExecutor"},
        {"state": "failed"},
    )
    hidden = {key: queue.hidden for key, queue in (await read(airflow3)).queues.items()}
    assert hidden == {DEFAULT: 3, ("us", "CeleryExecutor"): 3, ("default", "LocalExecutor"): 1}


async def test_airflow_2_has_none(airflow2):
    await airflow2.tasks("queued")
    assert (await read(airflow2)).queues[DEFAULT].hidden == 0


async def test_tables_that_a_version_does_not_have_yet(postgres):
    async with airflow_on(postgres) as airflow:
        for table in ("callback", "connection_test_request"):
            await airflow.execute(f"DROP TABLE {table}")
        await airflow.execute("ALTER TABLE dag DROP COLUMN exceeds_max_non_backfill")
        await airflow.execute("UPDATE alembic_version SET version_num = '29ce7909c52b'")
        await airflow.tasks("queued")
        state = await read(airflow)
    assert state.version == "3.0"
    assert state.queues[DEFAULT].hidden == 0


@pytest.mark.parametrize("heads", [["0123456789ab"], []])
async def test_a_newer_airflow_with_the_same_columns_is_read(airflow, heads):
    await airflow.execute("DELETE FROM alembic_version")
    await airflow.add("alembic_version", *({"version_num": head} for head in heads))
    assert (await read(airflow)).version == f"{airflow.major}.x"


async def test_tables_in_a_schema_of_their_own(own_airflow):
    await own_airflow.tasks("queued", 2)
    await own_airflow.execute("ALTER SCHEMA public RENAME TO airflow")
    state = await read(own_airflow, sql_alchemy_schema="airflow")
    assert state.queues[DEFAULT].queued == 2


async def test_queues_in_use_are_those_of_the_last_runs_and_of_active_tasks(airflow):
    await airflow.tasks("success", 1, "a", queue="left")
    await airflow.run("etl", "later", date=5.0)
    await airflow.tasks("success", 2, "a", queue="us", run_id="later")
    await airflow.tasks("success", 1, "b", queue="own", run_id="later", executor="LocalExecutor")
    await airflow.tasks("running", 1, "c", queue="busy")
    gone = {"is_stale": True} if airflow.major == 3 else {"is_active": False}
    await airflow.dag("gone", "r", **gone)
    await airflow.tasks("success", 1, "a", dag_id="gone", queue="gone")
    async with reading(airflow.url) as source:
        assert await source.queues(NOW) == {"default", "us", "busy"}
    async with reading(airflow.url, default_executor="LocalExecutor") as source:
        assert await source.queues(NOW) == set()

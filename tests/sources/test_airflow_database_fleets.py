"""Source `airflow_database`: what it tells of triggerers and DAG processors."""

from autoscaler.clients.airflow import queries
from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.errors import SourceError
from autoscaler.secret import Secret
from tests.airflow_tables import ago
from tests.sources.airflow_scene import around, read, reading, refused, scheduler


async def triggerer(airflow, number, seconds_ago=1, **job):
    """Its row in the table of jobs, with a number that triggers name."""
    kind = {"id": number, "job_type": "TriggererJob", "hostname": f"triggerer-{number}"}
    await scheduler(airflow, seconds_ago, **{**kind, **job})


async def triggers(airflow, number, triggerer_id=None, **trigger):
    await airflow.add("trigger", *number * [{"triggerer_id": triggerer_id, **trigger}])


async def parsed(airflow, **seconds_ago):
    """DAGs by when they were parsed."""
    rows = ({"dag_id": name, "last_parsed_time": ago(age)} for name, age in seconds_ago.items())
    await airflow.add("dag", *rows)


async def test_triggers_of_triggerers_that_live_and_of_nobody(airflow):
    await triggerer(airflow, 1)
    await triggerer(airflow, 2, seconds_ago=40)
    await triggerer(airflow, 3, state="success")
    await triggerer(airflow, 4)
    await scheduler(airflow, 1, id=5)
    for owner, number in ((1, 4), (2, 3), (3, 2), (5, 1), (99, 1), (None, 6)):
        await triggers(airflow, number, owner)
    state = await read(airflow, triggerer_capacity=250)
    assert state.triggers == {("", ""): 13, ("", "triggerer-1"): 4}
    told = {sample.labels["triggerer"]: sample.value for sample in capacities(state)}
    assert told == {"triggerer-1": 250, "triggerer-4": 250}


def capacities(state):
    return [sample for sample in state.samples() if sample.name == "airflow_triggerer_capacity"]


async def test_triggers_have_queues_since_airflow_3(airflow3):
    await triggerer(airflow3, 1)
    await triggers(airflow3, 2, 1, queue="us")
    await triggers(airflow3, 1, None, queue="us")
    await triggers(airflow3, 3, 1)
    assert (await read(airflow3)).triggers == {
        ("", ""): 0,
        ("", "triggerer-1"): 3,
        ("us", "triggerer-1"): 2,
        ("us", ""): 1,
    }


async def test_a_version_without_queues_of_triggers(own_airflow):
    if own_airflow.major == 3:
        await own_airflow.execute("ALTER TABLE trigger DROP COLUMN queue")
        async with reading(own_airflow.url) as source:
            assert "Airflow 3.3 has trigger.queue, which this user may" in await refused(source)
        await own_airflow.execute("UPDATE alembic_version SET version_num = '29ce7909c52b'")
    await triggers(own_airflow, 2)
    assert (await read(own_airflow)).triggers == {("", ""): 2}


async def test_the_dag_that_waits_longest_to_be_parsed(airflow):
    await parsed(airflow, quick=5, slow=300, late=90)
    gone = {"is_stale": True} if airflow.major == 3 else {"is_active": False}
    old = {"last_parsed_time": ago(9000)}
    await airflow.add(
        "dag",
        {"dag_id": "gone", **old, **gone},
        {"dag_id": "broken", **old, "has_import_errors": True},
        {"dag_id": "unsure", "last_parsed_time": ago(350), "has_import_errors": None},
        {"dag_id": "never"},
    )
    await parsed(airflow, paused=310)
    assert (await read(airflow)).parsed_at == around(350)


async def test_the_slowest_twentieth_of_many_is_left_out(airflow):
    await parsed(airflow, **{f"dag{number}": number for number in range(100, 160)})
    assert (await read(airflow)).parsed_at == around(156)


async def test_it_is_quick_with_many_dags(airflow3):
    await airflow3.execute(
        "INSERT INTO dag (dag_id, max_active_tasks, is_stale, exceeds_max_non_backfill,"
        " last_parsed_time) SELECT 'dag' || i, 16, false, false, now() - i * interval '1 ms'"
        " FROM generate_series(1, 10000) i"
    )
    database = AirflowDatabase(Secret(airflow3.url), timeout_seconds=5)
    async with database.snapshot(SourceError) as snapshot:
        began = ago(0)
        [row] = await snapshot.rows(queries.vitals(snapshot.schema, snapshot.dialect))
        took = ago(began)
    await database.aclose()
    assert row.parsed_at is not None
    assert took < 0.5

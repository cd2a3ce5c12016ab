"""Source `airflow_database`: what of the scheduled tasks is demand, and what holds up the rest."""

from autoscaler.model import AirflowPool, Block, Blocker
from tests.airflow_tables import ago
from tests.sources.airflow_scene import DEFAULT, around, read, scheduler

SINCE = {2: "updated_at", 3: "scheduled_dttm"}


async def test_scheduled_tasks_are_admissible_until_a_limit_is_reached(airflow):
    await airflow.tasks("running", 10, "busy")
    since = {SINCE[airflow.major]: ago(7)}
    await airflow.tasks("scheduled", 4, "first", priority_weight=5, **since)
    await airflow.tasks("scheduled", 9, "second", queue="us")
    await airflow.add("slot_pool", {"pool": "small", "slots": 1})
    await airflow.dag("other")
    await airflow.tasks("scheduled", 3, "third", dag_id="other", pool="small")
    state = await read(airflow)
    assert state.queues[DEFAULT].admissible == 4 + 1
    assert state.queues[DEFAULT].scheduled == 7
    assert state.queues[DEFAULT].oldest_admissible_at == around(7)
    assert state.queues[DEFAULT].blocked == {Block(Blocker.POOL, "small", 1, 1): 2}
    assert state.queues["us", "CeleryExecutor"].blocked == {
        Block(Blocker.DAG_LIMIT, "etl", 16, 16): 7
    }
    assert state.queues["us", "CeleryExecutor"].oldest_admissible_at is None
    assert state.pools["small"] == AirflowPool("small", 1, 0, waiting=2)
    assert state.pools["default_pool"] == AirflowPool("default_pool", 128, 10)


async def test_the_limit_of_a_dag_is_that_of_each_run_since_airflow_3(airflow):
    await airflow.run("etl", "r2", date=ago(0))
    await airflow.tasks("running", 15)
    await airflow.tasks("scheduled", 20, "s", run_id="r2")
    queue = (await read(airflow)).queues[DEFAULT]
    assert queue.admissible == {2: 1, 3: 16}[airflow.major]


async def test_the_older_run_comes_first(airflow):
    for dag_id, seconds_ago in (("new", 5), ("old", 50)):
        await airflow.dag(dag_id, date=ago(seconds_ago))
        await airflow.tasks("scheduled", dag_id=dag_id, queue=dag_id, pool="one")
    await airflow.add("slot_pool", {"pool": "one", "slots": 1})
    queues = (await read(airflow)).queues
    assert [queue for (queue, _), each in queues.items() if each.admissible] == ["old"]


async def test_a_run_without_a_date_comes_last(airflow3):
    for dag_id, date in (("undated", None), ("new", ago(5))):
        await airflow3.dag(dag_id, date=date)
        await airflow3.tasks("scheduled", dag_id=dag_id, queue=dag_id, pool="one")
    await airflow3.add("slot_pool", {"pool": "one", "slots": 1})
    queues = (await read(airflow3)).queues
    admitted = [queue for (queue, _), each in queues.items() if each.admissible]
    assert admitted == ["new"], "as PostgreSQL sorts"


async def test_what_the_scheduler_does_not_look_at_is_no_demand(airflow):
    await airflow.dag("paused", is_paused=True)
    await airflow.tasks("scheduled", dag_id="paused")
    await airflow.run("etl", "over", state="failed")
    await airflow.tasks("scheduled", run_id="over")
    assert (await read(airflow)).queues == {}


async def test_backfills_of_airflow_2_have_a_scheduler_of_their_own(airflow2):
    await airflow2.run("etl", "backfill", run_type="backfill")
    await airflow2.tasks("scheduled", run_id="backfill")
    await airflow2.tasks("running", 3, "r", run_id="backfill")
    state = await read(airflow2)
    assert state.queues[DEFAULT].scheduled == 0
    assert state.queues[DEFAULT].running == 3
    assert state.pools["default_pool"].used == 3


async def test_pools_of_every_kind(airflow):
    await airflow.add(
        "slot_pool",
        {"pool": "endless", "slots": -1},
        {"pool": "broken", "slots": -7},
        {"pool": "none", "slots": None},
        {"pool": "counts_deferred", "slots": 9, "include_deferred": True},
    )
    for pool in ("endless", "counts_deferred", "default_pool"):
        await airflow.tasks("running", 1, f"r-{pool}", pool=pool, pool_slots=2)
        await airflow.tasks("queued", 1, f"q-{pool}", pool=pool)
        await airflow.tasks("restarting", 1, f"s-{pool}", pool=pool)
        await airflow.tasks("deferred", 2, f"d-{pool}", pool=pool, pool_slots=2)
    assert (await read(airflow)).pools == {
        "default_pool": AirflowPool("default_pool", 128, 3),
        "endless": AirflowPool("endless", None, 3),
        "broken": AirflowPool("broken", 0, 0),
        "none": AirflowPool("none", 0, 0),
        "counts_deferred": AirflowPool("counts_deferred", 9, 7),
    }


async def test_parallelism_is_that_of_all_schedulers_alive(airflow):
    await airflow.tasks("running", 3)
    await airflow.tasks("scheduled", 9, "s")
    queue = (await read(airflow, parallelism=4)).queues[DEFAULT]
    assert queue.admissible == 1, "as of one, while none is alive"
    await scheduler(airflow, 3)
    await scheduler(airflow, 5)
    await scheduler(airflow, 600)
    queue = (await read(airflow, parallelism=4)).queues[DEFAULT]
    assert queue.admissible == 5
    assert queue.blocked == {Block(Blocker.PARALLELISM, "", 8, 8): 4}
    assert (await read(airflow, parallelism=0)).queues[DEFAULT].admissible == 9


async def test_more_tasks_than_parallelism_allows_prove_it_larger(airflow):
    await airflow.tasks("running", 7)
    await airflow.tasks("scheduled", 1, "s")
    queue = (await read(airflow, parallelism=4)).queues[DEFAULT]
    assert queue.blocked == {Block(Blocker.PARALLELISM, "", 7, 7): 1}

"""Source `airflow_database`: runs that are not over, and which task of a DAG waits for which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.clients.airflow import active_runs
from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.clients.airflow.state import Defaults
from autoscaler.clients.airflow.structures import FRESH_SECONDS, Structures
from autoscaler.errors import SourceError
from autoscaler.model import DagStructure, DagTask
from autoscaler.secret import Secret
from tests.airflow_tables import Airflow, ago
from tests.mariadb import mariadb
from tests.postgres import PASSWORD
from tests.sources.airflow_scene import NOW, around, read

CONFIG = Path(__file__).parents[2] / "config"
CELERY = "CeleryExecutor"
SECRET = "an-argument-never-shown"
ETL = {
    "extract": {"_is_empty": False, "downstream_task_ids": ["load"]},
    "load": {
        "partial_kwargs": {"queue": "us", "op_kwargs": {"token": SECRET}},
        "_is_mapped": True,
        "downstream_task_ids": ["done"],
    },
    "done": {"_is_empty": True, "op_args": [SECRET]},
}
EXPECTED = DagStructure(
    "etl",
    {
        "extract": DagTask("extract", "default", CELERY),
        "load": DagTask("load", "us", CELERY, ("extract",)),
        "done": DagTask("done", "default", "", ("load",)),
    },
)


async def begin(airflow: Airflow) -> None:
    """A run at work, one that waits for its turn, one that is over, and one of a paused DAG."""
    times = {"queued_at": ago(50), "start_date": ago(40)}
    await airflow.run("etl", "at_work", 1.2e9, run_type="scheduled", **times)
    await airflow.run("etl", "waits", 1.3e9, state="queued", run_type="backfill", queued_at=ago(9))
    await airflow.run("etl", "over", 1.4e9, state="success", **times)
    await airflow.dag("paused", is_paused=True)
    await airflow.execute("UPDATE dag_run SET start_date = queued_at WHERE run_id = 'r'")
    for task_id, state in (("a", None), ("b", "scheduled"), ("b", "up_for_retry")):
        instance = 1 if state == "up_for_retry" else 0
        row = {"dag_id": "etl", "run_id": "at_work", "task_id": task_id, "state": state}
        await airflow.add("task_instance", {**row, "map_index": instance})
    await airflow.tasks("running", 2, "c", run_id="at_work")
    await airflow.tasks("success", 3, "d", run_id="at_work")
    await airflow.tasks("scheduled", 1, "e", run_id="over")


async def serialize(airflow: Airflow, told: dict, dag_id: str = "etl", at: float = 1e9) -> None:
    """As Airflow keeps a DAG that was parsed; Airflow 3 keeps the earlier ones as well."""
    tasks = [{"__var": {"task_id": n, **task}, "__type": "operator"} for n, task in told.items()]
    data = {"__version": 3, "dag": {"dag_id": dag_id, "tasks": tasks}}
    await airflow.add("serialized_dag", {"dag_id": dag_id, "data": data, "last_updated": at})


async def structures_of(airflow: Airflow, url: str) -> list[list[DagStructure]]:
    """What is told at the first look, at one right after it, and at one much later."""
    database, structures = AirflowDatabase(Secret(url), timeout_seconds=5), Structures(Defaults())
    state, told = await read(airflow), []
    async with database.snapshot(SourceError) as snapshot:
        for later in (0, 1, 2 * FRESH_SECONDS):
            structures.follow(replace(state, at=NOW + later))
            told.append(await structures.read(snapshot))
    assert not structures.waiting
    await database.aclose()
    return told


async def test_runs_that_are_not_over(own_airflow):
    await begin(own_airflow)
    runs = {run.run_id: run for run in (await read(own_airflow)).runs}
    assert runs.keys() == {"at_work", "waits"}, "the first run was never queued"
    at_work, waits = runs["at_work"], runs["waits"]
    assert (at_work.dag_id, at_work.scheduled, at_work.pending) == ("etl", True, {"a": 1, "b": 2})
    assert (at_work.created_at, at_work.started_at) == (around(50), around(40))
    assert (waits.scheduled, waits.started_at, waits.pending) == (False, None, {})
    assert waits.created_at == around(9)


@pytest.mark.parametrize("limit", ["MOST_RUNS", "MOST_TASKS"])
async def test_more_than_can_be_foreseen_are_not(own_airflow, monkeypatch, limit):
    await begin(own_airflow)
    monkeypatch.setattr(active_runs, limit, 1)
    state = await read(own_airflow)
    assert state.runs == ()
    assert len(state.tasks) == 2, "demand is read all the same"


async def test_the_structure_of_dags_at_work_through_a_view_that_shows_nothing_else(
    own_airflow, postgres
):
    await begin(own_airflow)
    await serialize(own_airflow, ETL, at=1.5e9)
    if own_airflow.major == 3:
        await serialize(own_airflow, {"older": {}}, at=1e9)
    database = own_airflow.url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS autoscaler; CREATE ROLE autoscaler LOGIN PASSWORD 'x'")
    url = own_airflow.url.replace(f"airflow:{PASSWORD}", "autoscaler:x")
    try:
        for script in ("airflow-grants-postgresql.sql", "airflow-structure-postgresql.sql"):
            postgres.execute((CONFIG / script).read_text(), database)
        assert await structures_of(own_airflow, url) == [[EXPECTED], [], []]
        with pytest.raises(Exception, match="permission denied"):
            postgres.execute("SET ROLE autoscaler; SELECT data FROM serialized_dag", database)
    finally:
        postgres.execute("DROP OWNED BY autoscaler; DROP ROLE autoscaler", database)


async def test_without_the_view_no_structure_is_known(own_airflow):
    await begin(own_airflow)
    assert await structures_of(own_airflow, own_airflow.url) == [[], [], []]


async def test_of_what_is_not_understood_nothing_is_told(own_airflow, postgres):
    await begin(own_airflow)
    await serialize(own_airflow, {"a": {"downstream_task_ids": "b"}, "b": {"queue": "us"}})
    database = own_airflow.url.rpartition("/")[2]
    script = (CONFIG / "airflow-structure-postgresql.sql").read_text()
    postgres.execute(script.partition("GRANT")[0], database)
    [[told], *_] = await structures_of(own_airflow, own_airflow.url)
    assert {task.task_id: task.upstream for task in told.tasks.values()} == {"a": (), "b": ()}
    await own_airflow.execute("""UPDATE serialized_dag SET data = '{"dag": {"tasks": [{}]}}'""")
    assert (await structures_of(own_airflow, own_airflow.url))[0] == []


@pytest.mark.full
@pytest.mark.parametrize("major", [2, 3])
async def test_mariadb_tells_the_same(major):
    async with mariadb() as server:
        airflow = Airflow(server.url(server.new_database()), major)
        await airflow.create()
        await begin(airflow)
        await serialize(airflow, ETL, at=1.5e9)
        database = airflow.url.rpartition("/")[2]
        script = (CONFIG / "airflow-structure-mysql.sql").read_text()
        server.execute(script.partition("GRANT")[0], database)
        assert await structures_of(airflow, airflow.url) == [[EXPECTED], [], []]
        runs = {run.run_id: run.pending for run in (await read(airflow)).runs}
        assert runs == {"at_work": {"a": 1, "b": 2}, "waits": {}}
        await airflow.close()

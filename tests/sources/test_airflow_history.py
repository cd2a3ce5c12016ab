"""Source `airflow_database`: what it learns of runs that are over, beside reading demand."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from functools import partial

import pytest
from structlog.testing import capture_logs

from autoscaler.clients.airflow import history
from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.clients.airflow.history import LAST_RUNS, History
from autoscaler.clients.airflow.state import Defaults
from autoscaler.errors import SourceError
from autoscaler.model import FinishedTask
from autoscaler.secret import Secret
from tests.airflow_tables import ago
from tests.postgres import PASSWORD
from tests.servers import eventually
from tests.sources.airflow_scene import NOW, airflow_on, reading

CELERY = "CeleryExecutor"


async def ended(airflow, state="success", run_id="r"):
    await airflow.execute(f"UPDATE dag_run SET state = '{state}' WHERE run_id = '{run_id}'")
    await airflow.execute(f"UPDATE task_instance SET state = '{state}' WHERE run_id = '{run_id}'")


@contextlib.asynccontextmanager
async def looking_back(url):
    """Asks of history what there is, as often as it is called, after a poll each time."""
    database, past = AirflowDatabase(Secret(url), timeout_seconds=5), History(Defaults())
    async with reading(url) as source:

        async def look(seconds=5):
            past.follow(await source.read(NOW))
            async with database.snapshot(SourceError) as snapshot:
                return await past.read(snapshot, seconds)

        yield look
    await database.aclose()


async def test_a_run_that_was_at_work_is_told_of_once_it_is_over(own_airflow):
    ready = "scheduled_dttm" if own_airflow.major == 3 else "queued_dttm"
    times = {ready: ago(90), "start_date": ago(70), "updated_at": ago(10)}
    await own_airflow.tasks("running", 2, "load", queue="us", **times)
    await own_airflow.tasks("success", 1, "quick", executor="a.LocalExecutor", **times)
    async with looking_back(own_airflow.url) as look:
        assert await look() == [], "it is at work"
        await own_airflow.execute("UPDATE task_instance SET state = 'deferred'")
        assert await look() == [], "it only pauses"
        await ended(own_airflow, "failed")
        [run] = await look()
        assert await look() == []
    assert (run.dag_id, run.run_id) == ("etl", "r")
    assert run.started_at == pytest.approx(NOW - 90, abs=2)
    [local, *mapped] = sorted(run.tasks, key=lambda task: task.queue)
    seconds = local.run_seconds
    assert replace(local, task_id="") == FinishedTask(
        "default", "LocalExecutor", run.started_at, seconds
    )
    assert local.task_id.startswith("quick")
    took = mapped[0].run_seconds
    assert [replace(each, task_id="") for each in mapped] == [
        FinishedTask("us", CELERY, run.started_at, took)
    ] * 2
    assert all(each.task_id.startswith("load") for each in mapped)
    assert mapped[0].run_seconds == pytest.approx(60, abs=1)


async def test_a_run_that_goes_on_or_is_gone(own_airflow):
    await own_airflow.tasks("running", start_date=ago(9), queued_dttm=ago(9), updated_at=ago(5))
    async with looking_back(own_airflow.url) as look:
        await look()
        await own_airflow.execute("UPDATE task_instance SET state = 'up_for_retry'")
        await look()
        await own_airflow.execute("UPDATE task_instance SET state = 'running'")
        assert await look() == [], "it is at work again"
        await own_airflow.execute("DELETE FROM dag_run")
        await own_airflow.execute("DELETE FROM task_instance")
        assert await look() == []


async def test_of_a_dag_that_is_due_the_last_runs_are_read_once(own_airflow):
    await own_airflow.dag("hourly", next_dagrun_create_after=ago(-600), date=ago(1))
    for number in range(LAST_RUNS + 2):
        begun = ago(3600 * (number + 1))
        task = (begun, begun + 5, begun + 65)
        await own_airflow.ran(f"run{number}", task, dag_id="hourly")
    async with looking_back(own_airflow.url) as look:
        found = await look()
        assert await look() == []
    assert [run.run_id for run in found] == ["run0", "run1", "run2"]
    assert {round(run.tasks[0].run_seconds) for run in found} == {60}


async def test_what_took_no_slot_or_has_impossible_times_is_left_out(own_airflow):
    await own_airflow.dag("hourly", next_dagrun_create_after=ago(-600))
    begun = ago(600)
    tasks = [(begun, begun, begun + 30), (None, begun, begun + 30), (begun, begun + 30, begun)]
    await own_airflow.ran("whole", *tasks[:1], (begun, None, begun + 5), dag_id="hourly")
    await own_airflow.ran("odd", tasks[2], dag_id="hourly", date=ago(700))
    await own_airflow.run("hourly", "skipped", ago(800), state="success")
    await own_airflow.tasks("skipped", dag_id="hourly", run_id="skipped", start_date=ago(9))
    async with looking_back(own_airflow.url) as look:
        [run] = await look()
    assert (run.run_id, len(run.tasks)) == ("whole", 1)


async def test_a_read_takes_on_only_so_much(own_airflow, monkeypatch):
    monkeypatch.setattr(history, "MOST_TASKS", 3)
    monkeypatch.setattr(history, "MOST_RUNS", 4)
    begun = ago(600)
    task = (begun, begun + 1, begun + 2)
    for number, tasks in enumerate((2, 2, 4, 1)):
        await own_airflow.dag(f"dag{number}", next_dagrun_create_after=ago(-60 - number))
        await own_airflow.ran("over", *[task] * tasks, dag_id=f"dag{number}")
    async with looking_back(own_airflow.url) as look:
        told = [[run.dag_id for run in await look()] for _ in range(6)]
    assert [dag for dags in told for dag in dags] == ["dag0", "dag1", "dag3"], "one is too large"
    assert max(map(len, told)) == 1


async def test_a_read_takes_only_so_long(own_airflow):
    begun = ago(600)
    await own_airflow.dag("hourly", next_dagrun_create_after=ago(-60))
    for number in range(LAST_RUNS):
        task = (begun + number, begun + 5, begun + 9)
        await own_airflow.ran(f"run{number}", task, dag_id="hourly")
    async with looking_back(own_airflow.url) as look:
        told = [len(await look(seconds=0)) for _ in range(LAST_RUNS + 1)]
    assert told == [1] * LAST_RUNS + [0]


async def test_what_it_follows_is_bounded(own_airflow, monkeypatch):
    monkeypatch.setattr(history, "MOST_FOLLOWED", 2)
    for number in range(4):
        await own_airflow.ran(f"run{number}", (ago(9), ago(8), ago(7)))
    await own_airflow.execute("UPDATE task_instance SET state = 'running'")
    async with looking_back(own_airflow.url) as look:
        await look()
        await own_airflow.execute("UPDATE task_instance SET state = 'success'")
        assert len(await look()) == 2


@contextlib.asynccontextmanager
async def watched(url, **options):
    """The source with its look at history beside it."""
    async with reading(url, **options) as source:
        watch = asyncio.create_task(source.watch(lambda _: None))
        try:
            yield source
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def test_the_next_poll_tells_what_was_found(own_airflow):
    await own_airflow.dag("hourly", next_dagrun_create_after=ago(-600))
    await own_airflow.ran("over", (ago(60), ago(50), ago(40)), dag_id="hourly")
    told = []
    async with watched(own_airflow.url, history_seconds=0.02) as source:

        async def some():
            told.extend((await source.read(NOW)).finished_runs)
            return bool(told)

        assert await eventually(some, "the run is told of")
        assert (await source.read(NOW)).finished_runs == ()
    assert [(run.dag_id, run.run_id) for run in told] == [("hourly", "over")]


async def test_demand_does_not_fail_with_history_and_its_fault_is_told_once(postgres):
    async with airflow_on(postgres) as airflow:
        await airflow.dag("hourly", next_dagrun_create_after=ago(-600))
        await airflow.ran("over", (ago(60), ago(50), ago(40)), dag_id="hourly")
        await airflow.execute("CREATE ROLE lonely LOGIN PASSWORD 'p' CONNECTION LIMIT 1")
        await airflow.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO lonely")
        url = airflow.url.replace(f"airflow:{PASSWORD}", "lonely:p")
        with capture_logs() as log:
            async with watched(url, history_seconds=0.02) as source:

                async def told(event):
                    await source.read(NOW)
                    return event in [each["event"] for each in log]

                assert await eventually(partial(told, "history not read"), "the fault is told")
                await airflow.execute("ALTER ROLE lonely CONNECTION LIMIT 5")
                assert await eventually(partial(told, "history read again"), "so is its end")
        for drop in ("DROP OWNED BY lonely", "DROP ROLE lonely"):
            await airflow.execute(drop)
    assert [each["event"] for each in log] == ["history not read", "history read again"]


async def test_history_can_be_left_alone(own_airflow):
    await own_airflow.dag("hourly", next_dagrun_create_after=ago(-600))
    async with reading(own_airflow.url, history_seconds=0) as source:
        await source.read(NOW)
        assert await source.watch(lambda _: None) is None
        assert not source._history.waiting

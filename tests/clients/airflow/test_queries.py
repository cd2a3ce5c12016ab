"""No query looks through history, whoever asks: plans on 1,000,000 task instances, their cost."""

import json

import pytest
import pytest_asyncio
from sqlalchemy.dialects import postgresql

from autoscaler.clients.airflow import active_runs, history, queries
from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.errors import SourceError
from autoscaler.secret import Secret
from tests.airflow_history import ACTIVE, remember
from tests.airflow_tables import Airflow

pytestmark = pytest.mark.full

RUN = ("dag8", "run7")
GROWING = ("task_instance", "dag_run", "job")
BOUND_MILLISECONDS = 50.0


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[(3, 1_000_000), (2, 100_000)],
    ids=["airflow3", "airflow2"],
)
async def url(request, postgres):
    """A database with a long history."""
    major, task_instances = request.param
    airflow = Airflow(postgres.url(postgres.new_database(), "postgresql+asyncpg"), major)
    await airflow.create()
    await remember(airflow, task_instances)
    await airflow.close()
    return airflow.url


def polled(snapshot):
    schema = snapshot.schema
    made = {
        "vitals": queries.vitals(schema, snapshot.dialect),
        "with_executor": queries.with_executor(schema),
        "scheduled": queries.scheduled(schema),
        "pools": queries.pools(schema),
        "jobs": queries.jobs(schema),
        "triggers": queries.triggers(schema),
        "hidden": queries.hidden(schema),
        "next_runs": queries.next_runs(schema, "2100-01-01T00:00:00+00:00"),
        "runs_not_over": active_runs.runs_not_over(schema),
        "tasks_to_come": active_runs.tasks_to_come(schema),
        "connections": snapshot.dialect.connections,
    }
    return {name: statement for name, statement in made.items() if statement is not None}


def nodes(plan):
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def explained(snapshot, statement):
    dialect = postgresql.dialect()
    sql = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    rows = await snapshot.connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
    return rows.scalar_one()


def looking_back(snapshot):
    schema = snapshot.schema
    return {
        "state_of_run": history.state_of_run(schema, RUN),
        "last_runs": history.last_runs(schema, RUN[0]),
        "tasks_of": history.tasks_of(schema, RUN),
    }


@pytest.mark.parametrize("asked", [polled, looking_back])
async def test_index_scans_only_and_within_bounds(url, asked):
    database = AirflowDatabase(Secret(url), timeout_seconds=30)
    milliseconds = {}
    async with database.snapshot(SourceError) as snapshot:
        for name, statement in asked(snapshot).items():
            answer = await explained(snapshot, statement)
            (told,) = json.loads(answer) if isinstance(answer, str) else answer
            for node in nodes(told["Plan"]):
                if node.get("Relation Name") in GROWING:
                    assert "Index" in node["Node Type"] or "Bitmap" in node["Node Type"], name
                rows = node["Actual Rows"] * node["Actual Loops"]
                assert rows <= sum(ACTIVE.values()), f"{name} looks at too much"
            milliseconds[name] = told["Planning Time"] + told["Execution Time"]
    await database.aclose()
    assert sum(milliseconds.values()) < BOUND_MILLISECONDS, milliseconds

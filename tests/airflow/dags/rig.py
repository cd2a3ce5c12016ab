"""DAGs of the tests, for Airflow 2.11 and 3: a burst, and what Airflow itself holds up."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from time import sleep  # noqa: TID251 - what a task does

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: TID251
YESTERDAY = TODAY - timedelta(days=1)
PYTHON_SECONDS = [2.0, 3.0, 4.0] * 12 + [32.0] * 4
BASH_SECONDS = [2.0, 4.0] * 8 + [28.0] * 4


@task
def nap(seconds: float) -> None:
    sleep(seconds)


@task.bash
def bash_nap(seconds: float) -> str:
    return f"sleep {seconds}"


def dag(dag_id: str, **options) -> DAG:
    """A DAG that runs when it is triggered, without retries unless told otherwise."""
    settings = {"schedule": None, "start_date": YESTERDAY, "catchup": False, **options}
    return DAG(dag_id, **settings)


# Its first run is due as soon as it is unpaused; a task that is killed would be retried.
with dag(
    "burst",
    schedule="@daily",
    is_paused_upon_creation=True,
    max_active_tasks=100,
    default_args={"retries": 2},
):
    nap.expand(seconds=PYTHON_SECONDS)
    bash_nap.expand(seconds=BASH_SECONDS)

with dag("one"):
    nap(1.0)

with dag("abroad"):
    nap.override(queue="us").expand(seconds=[1.0] * 4)

with dag("long"):
    nap.expand(seconds=[300.0] * 2)

with dag("pooled"):
    nap.override(pool="single").expand(seconds=[20.0] * 50)

with dag("limited", max_active_tasks=2):
    nap.expand(seconds=[20.0] * 30)

with dag("wide", max_active_tasks=100):
    nap.expand(seconds=[20.0] * 40)

with dag("secret"):

    @task
    def keep(secret: str) -> int:
        return len(secret) + os.getpid()

    keep("argument-never-shown")

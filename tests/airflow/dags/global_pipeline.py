"""Hourly: extract, process every region's parts on workers of that region, aggregate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import sleep  # noqa: TID251 - what a task does

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task

REGIONS = {"us": 10, "eu": 4, "apac": 2}
THIS_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # noqa: TID251

with DAG(
    "global_pipeline",
    schedule="@hourly",
    start_date=THIS_HOUR - timedelta(hours=2),
    catchup=True,
    is_paused_upon_creation=True,
    max_active_runs=10,
    max_active_tasks=100,
    default_args={"retries": 1},
):

    @task
    def extract(region: str) -> list[float]:
        """How long each part of this region takes."""
        return [2.0 + part % 3 for part in range(REGIONS[region])]

    @task
    def process(seconds: float) -> float:
        sleep(seconds)
        return seconds

    @task(trigger_rule="all_success")
    def aggregate(*parts) -> float:
        return sum(sum(part) for part in parts)

    processed = []
    for region in REGIONS:
        parts = extract.override(task_id=f"extract_{region}", queue=region)(region)
        work = process.override(task_id=f"process_{region}", queue=region)
        processed.append(work.expand(seconds=parts))
    aggregate.override(queue="us")(*processed)

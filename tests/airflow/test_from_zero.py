"""A fleet without workers: a task starts as soon as a worker can be there."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.airflow.scaled import FleetPlan, scaled
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

READY = re.compile(r"(\d{4}-\d\d-\d\d[T ][\d:]+[.,]\d+).*@\S+ ready\.")


async def test_the_first_task_starts_within_3_s_of_what_its_worker_needs_to_start(stack, tmp_path):
    async def finished():
        return (await stack.outcome("one")).states == {"success": 1}

    async with scaled(stack, tmp_path, FleetPlan(slots=2)) as rig:
        await stack.trigger("one")
        await eventually(finished, "the end of the task", 90, 0.2)
        detail = await rig.get("/api/v1/fleets/default")
        (unit,) = detail["replicas"]
        (row,) = await stack.rows(
            "select queued_dttm::text, start_date::text from task_instance where dag_id = 'one'"
        )
        log = rig.worker_log(unit["name"])
    ready = READY.search(log)
    assert ready, log[-2000:]
    created = datetime.fromisoformat(unit["created_at"])
    start_up = seconds(ready[1].replace(",", ".") + "+00:00") - created.timestamp()
    waited = seconds(row["start_date"]) - seconds(row["queued_dttm"])
    print(f"waited {waited:.1f} s for a worker that starts in {start_up:.1f} s")
    assert start_up > 0
    assert waited < start_up + 3


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

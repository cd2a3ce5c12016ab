"""What a run leaves in Airflow's own tables, read with the grants that we ship, is what it was."""

from __future__ import annotations

import pytest

from tests.airflow.scaled import FleetPlan, scaled
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]
TIMES = """
select extract(epoch from end_date - start_date) as ran,
    extract(epoch from updated_at - end_date) as written_after
from task_instance where dag_id = 'one'
"""


async def test_a_run_is_learned_soon_after_its_end(stack, tmp_path):
    async def known():
        told = (await rig.get("/api/v1/fleets"))["known_dags"]
        return told == {"airflow": 1}

    async with scaled(stack, tmp_path, FleetPlan(slots=2), history_seconds=2) as rig:
        await stack.trigger("one")
        await eventually(known, "the footprint of the DAG", 120, 0.5)
        (fleet,) = (await rig.get("/api/v1/fleets"))["fleets"]
    (row,) = await stack.rows(TIMES)
    print(f"ran {row['ran']} s, written {row['written_after']} s after its end")
    assert 0 <= row["written_after"] < 3, "the last writing of its row stands for its end"
    assert fleet["start_up"]["starts"] == 1

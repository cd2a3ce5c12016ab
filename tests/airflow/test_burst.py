"""60 mapped tasks at once: workers are added, the work is done, and nobody's task is killed."""

from __future__ import annotations

import pytest

from tests.airflow.scaled import FleetPlan, scaled
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

TASKS = 60


async def test_a_burst_is_worked_off_and_the_workers_leave_without_a_loss(stack, tmp_path):
    """Some tasks, of Python and of Bash, run on while their workers are drained."""

    async def finished():
        outcome = await stack.outcome("burst")
        return sum(outcome.states.values()) == TASKS and not outcome.unfinished

    async with scaled(stack, tmp_path, FleetPlan(most=3, slots=8)) as rig:
        await stack.unpause("burst")
        await rig.until("ready_replicas", 3)
        await rig.until("draining_replicas", 2, 120)
        long_ones = await stack.rows(
            "select task_id from task_instance where state = 'running' and dag_id = 'burst'"
        )
        await eventually(finished, "the end of the burst", 180, 1)
        await rig.until_units(0)
        assert {row["task_id"] for row in long_ones} == {"nap", "bash_nap"}
        outcome = await stack.outcome("burst")
        assert outcome.states == {"success": TASKS}
        assert outcome.tried_again == 0

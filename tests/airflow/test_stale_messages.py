"""Messages that the scheduler's requeues left in the broker are no demand."""

from __future__ import annotations

import pytest

from tests.airflow.scaled import FleetPlan, scaled
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

TASKS = 4
MESSAGES_PER_TASK = 3


async def test_three_messages_for_each_task_are_one_task(stack, tmp_path):
    plan = FleetPlan("us", most=3, slots=TASKS, up_seconds=5)
    async with scaled(stack, tmp_path, plan) as rig, stack.broker.client() as broker:

        async def all_sent():
            return await broker.llen("us") == TASKS

        await stack.trigger("abroad")
        await eventually(all_sent, "a message for each task", 30)
        messages = await broker.lrange("us", 0, -1)
        await broker.lpush("us", *messages * (MESSAGES_PER_TASK - 1))
        await rig.until(fleet="us", desired=1)
        await rig.ticked(5)
        detail = await rig.get("/api/v1/fleets/us")
        (queue,) = detail["queues"]
        assert queue["waiting"] == TASKS * MESSAGES_PER_TASK
        assert (detail["fleet"]["waiting_tasks"], detail["fleet"]["desired"]) == (TASKS, 1)
        assert len(rig.units()) == 1

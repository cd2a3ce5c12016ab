"""A worker that is killed from outside: its tasks are missed, and what it leaves is no demand."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.airflow.scaled import FleetPlan, scaled
from tests.airflow.tree import signal_tree
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

TASKS = 2
KILLED = "autoscaler_tasks_killed_total"
BEATING = {
    "3": "select 1 from task_instance where last_heartbeat_at is not null",
    "2": "select 1 from task_instance t join job j on j.id = t.job_id where t.state = 'running'",
}


async def test_tasks_of_a_killed_worker_are_missed_and_add_no_demand(stack, tmp_path):
    async def running():
        return len(await stack.rows(BEATING[stack.version])) == TASKS

    async def missed():
        return "airflow_tasks_lost airflow default" in await rig.firing()

    async with scaled(stack, tmp_path, FleetPlan(least=1, slots=TASKS)) as rig:
        await rig.until(ready=1)
        await stack.trigger("long")
        await eventually(running, "the tasks' heartbeats", 60, 0.5)
        await rig.until(running_tasks=TASKS)
        (pid,) = rig.units().values()
        signal_tree(pid, signal.SIGKILL)
        killed_at = asyncio.get_running_loop().time()
        await eventually(missed, "an alert of the lost tasks", 90, 0.5)
        print(f"missed after {asyncio.get_running_loop().time() - killed_at:.0f} s")
        await rig.until(ready=1)
        await rig.ticked(5)
        async with stack.broker.client() as client:
            assert await client.hlen("unacked") == TASKS
        fleet = (await rig.fleets())["default"]
        assert (fleet["desired"], fleet["current"], fleet["waiting_tasks"]) == (1, 1, 0)
        assert len(rig.events("add", result="applied")) == 2
        metrics = await rig.text("/metrics")
        killed = [line for line in metrics.splitlines() if line.startswith(KILLED)]
        assert [line for line in killed if 'cause="scale_in"' in line and line[-3:] != "0.0"] == []
        assert [line for line in killed if line.endswith(f" {TASKS}.0")], killed

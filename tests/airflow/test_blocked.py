"""What Airflow itself holds up is no reason to add workers, and is named."""

from __future__ import annotations

import json

import pytest

from tests.airflow.scaled import FleetPlan, Scaled, scaled
from tests.airflow.stack import Airflow

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

PARALLELISM = 4


async def test_what_is_blocked_adds_no_worker_and_is_named(stack, tmp_path):
    """A pool of one slot, a DAG at its limit of tasks, and a scheduler at its parallelism."""
    await stack.restart("scheduler", AIRFLOW__CORE__PARALLELISM=str(PARALLELISM))
    try:
        plan = FleetPlan(least=1, most=3, slots=8)
        async with scaled(stack, tmp_path, plan, parallelism=PARALLELISM) as rig:
            await rig.until(ready=1)
            await held(rig, stack, "pooled", "pool", "single")
            await held(rig, stack, "limited", "dag_limit", "limited")
            await held(rig, stack, "wide", "parallelism", str(PARALLELISM))
    finally:
        await stack.restart("scheduler")


async def held(rig: Scaled, stack: Airflow, dag: str, verdict: str, named: str) -> None:
    """A run of this DAG adds no worker, and everything that tells why names what holds it up."""
    units = rig.units()
    await stack.trigger(dag)
    await rig.until(60, verdict=verdict)
    await rig.ticked(5)
    fleet = (await rig.fleets())["default"]
    assert (fleet["verdict"], fleet["desired"], fleet["current"]) == (verdict, 1, 1)
    assert rig.units() == units
    explained = await rig.get("/api/v1/fleets/default/explain")
    assert named in json.dumps(explained["explanation"])
    metrics = await rig.text("/metrics")
    assert f'autoscaler_verdict{{fleet="default",verdict="{verdict}"}} 1.0' in metrics
    await stack.forget()

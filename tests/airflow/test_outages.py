"""While Airflow cannot work nothing is scaled, either way; afterwards all goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.airflow.scaled import FleetPlan, Scaled, scaled
from tests.airflow.stack import Airflow
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

IDLE = FleetPlan("default", most=1, slots=4, down_seconds=12)
WANTED = FleetPlan("us", most=1, slots=4, up_seconds=20)
READ_ONLY = "alter system set default_transaction_read_only = on"
WRITABLE = "alter system reset default_transaction_read_only"


async def test_the_database_is_paused_read_only_and_stopped(stack, tmp_path):
    async with scaled(stack, tmp_path, IDLE, WANTED) as rig:
        await one_idle_and_one_wanted(rig, stack)
        stack.postgres.pause()
        await nothing_is_scaled(rig, 14, "source_down airflow")
        stack.postgres.resume()
        await nothing_fires(rig)
        await configure(stack, READ_ONLY)
        await nothing_is_scaled(rig, 14, "airflow_read_only airflow")
        await configure(stack, WRITABLE)
        await nothing_fires(rig)
        stack.postgres.stop()
        await nothing_is_scaled(rig, 14, "source_down airflow")
        stack.postgres.start()
        await stack.revive()
        await all_goes_on(rig, stack)


@pytest.mark.parametrize("stack", ["3"], ids=["airflow3"], indirect=True, scope="session")
async def test_the_api_server_is_stopped_for_a_minute(stack, tmp_path):
    async with scaled(stack, tmp_path, IDLE, WANTED) as rig:
        await one_idle_and_one_wanted(rig, stack)
        await stack.api.kill()
        await nothing_is_scaled(rig, 60, "source_down api")
        await stack.revive()
        await all_goes_on(rig, stack)


async def one_idle_and_one_wanted(rig: Scaled, stack: Airflow) -> None:
    """A worker with nothing to do is about to leave, and tasks wait for one about to be added."""

    async def finished() -> bool:
        return (await stack.outcome("one")).states == {"success": 1}

    await stack.trigger("one")
    await eventually(finished, "the end of the first task", 90, 0.2)
    await stack.trigger("abroad")
    await rig.until(fleet="us", waiting_tasks=4, current=0)
    assert (await rig.fleets())["default"]["current"] == 1


async def nothing_is_scaled(rig: Scaled, seconds: float, alert: str) -> None:
    """For so long, which is longer than both windows; one alert tells of it."""
    before = rig.actions()
    await asyncio.sleep(seconds)
    assert rig.actions() == before
    assert await rig.firing() == [alert]


async def nothing_fires(rig: Scaled) -> None:
    async def quiet() -> bool:
        return await rig.firing() == []

    await eventually(quiet, "the alert's end", 15)


async def all_goes_on(rig: Scaled, stack: Airflow) -> None:
    async def finished() -> bool:
        return (await stack.outcome("abroad")).states == {"success": 4}

    await nothing_fires(rig)
    await eventually(finished, "the end of what waited", 90, 0.5)
    await rig.until_units(0)


async def configure(stack: Airflow, sql: str) -> None:
    """Change a setting of PostgreSQL, for connections that are there as well."""
    await stack.execute(sql)
    await stack.execute("select pg_reload_conf()")

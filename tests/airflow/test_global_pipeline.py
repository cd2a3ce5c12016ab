"""An hourly pipeline over three regions: each region's fleet follows its own queue."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.airflow.scaled import FleetPlan, scaled
from tests.servers import eventually

pytestmark = [pytest.mark.airflow, pytest.mark.asyncio(loop_scope="session")]

FLEETS = (
    FleetPlan("us", least=1, most=3, slots=6),
    FleetPlan("eu", most=2, slots=6),
    FleetPlan("apac", most=2, slots=6),
)


async def test_regions_scale_independently_and_return_to_their_floors(stack, tmp_path):
    peaks: dict[str, int] = defaultdict(int)

    async def over():
        for name, fleet in (await rig.fleets()).items():
            peaks[name] = max(peaks[name], fleet["desired"])
        runs = await stack.rows("select state from dag_run where dag_id = 'global_pipeline'")
        return len(runs) >= 2 and all(run["state"] not in ("queued", "running") for run in runs)

    async with scaled(stack, tmp_path, *FLEETS) as rig:
        await stack.unpause("global_pipeline")
        await eventually(over, "the end of all runs", 240, 0.5)
        await stack.unpause("global_pipeline", paused=True)
        for fleet in FLEETS:
            await rig.until(90, fleet.name, current=fleet.least, draining=0)
        outcome = await stack.outcome("global_pipeline")
        print(dict(peaks), outcome)
        assert set(outcome.states) == {"success"}
        assert outcome.tried_again == 0
        assert peaks["us"] > peaks["apac"] > 0
        assert peaks["eu"] > 0

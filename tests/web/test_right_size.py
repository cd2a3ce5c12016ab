"""What the API answers on the size of containers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.model import Sizing
from tests.ticks import tick, turn
from tests.web.serving import running

MIB = 2**20
WORKER = Sizing(
    container="worker",
    request_cores=1.15,
    memory_bytes=1150 * MIB,
    used_cores=1.0,
    peak_bytes=400 * MIB,
    busy=2,
    idle_bytes=200 * MIB,
    task_bytes=100 * MIB,
    full_bytes=1000 * MIB,
    slots=8,
    measured_seconds=7200,
    sure=False,
)


async def test_a_patch_and_what_it_rests_on(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        api.observe(tick(replace(turn(), sizings=(WORKER, replace(WORKER, container="logs")))))
        answer = await api.get("/api/v1/fleets/default/right-size")
        [worker, logs] = answer.document["containers"]
        assert (worker["container"], logs["container"]) == ("worker", "logs")
        assert (worker["slots"], worker["sure"], worker["concurrency"]) == (8, False, None)
        containers = answer.document["patch"]["spec"]["template"]["spec"]["containers"]
        assert containers[0] == {
            "name": "worker",
            "resources": {
                "requests": {"cpu": "1150m", "memory": "1150Mi"},
                "limits": {"memory": "1150Mi"},
            },
        }
        assert [one["name"] for one in containers] == ["worker", "logs"]


async def test_nothing_is_known_yet(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        api.observe(tick())
        answer = (await api.get("/api/v1/fleets/default/right-size")).document
        assert (answer["fleet"], answer["containers"], answer["patch"]) == ("default", [], None)
        assert (await api.get("/api/v1/fleets/other/right-size")).status == 404


async def test_how_many_slots_fit(tmp_path: Path) -> None:
    path = "/api/v1/fleets/default/right-size?memory="
    async with running(tmp_path) as api:
        api.observe(tick(replace(turn(), sizings=(WORKER,))))
        [worker] = (await api.get(f"{path}{2 * 1150 * MIB}")).document["containers"]
        assert worker["concurrency"] == 18


@pytest.mark.parametrize("memory", ["0", "-1", "8Gi", "", "1e9", "²", "9" * 19, "9" * 5000])
async def test_what_is_no_number_of_bytes(tmp_path: Path, memory: str) -> None:
    async with running(tmp_path) as api:
        api.observe(tick())
        answer = await api.get(f"/api/v1/fleets/default/right-size?memory={memory}")
        assert answer.status == 400
        assert answer.document["errors"][0]["field"] == "memory"

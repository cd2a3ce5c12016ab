"""A config of three lines beside a real broker and Airflow's tables: it finds, looks and scales."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.process import DaemonProcess
from tests.servers import Process, celery_worker, eventually, valkey
from tests.sources.airflow_scene import airflow_on, scheduler
from tests.units import kill_units

PATIENCE_SECONDS = 120  # programs start slowly on a machine that does much else
WORKER = f"{sys.executable}, -m, celery, -A, tests.celery_app, worker"
OPTIONS = '--hostname, "{unit}@%h", --queues, "{queues}"'
CONFIG = f"""\
fleets:
  - max_replicas: 3
    target: {{kind: local, command: [{WORKER}, {OPTIONS}]}}
"""
EUROPE = {"queue": "eu", "pool": "default_pool", "pool_slots": 1, "external_executor_id": "x"}


@pytest.mark.full
async def test_three_lines_are_enough(postgres, tmp_path):
    async with valkey() as broker, airflow_on(postgres) as airflow:
        await scheduler(airflow, 0)
        await airflow.tasks("success", 2, "past", queue="eu")
        env = {
            "AUTOSCALER_BROKER_URL": broker.url,
            "AUTOSCALER_AIRFLOW_DATABASE_URL": airflow.url.replace("+asyncpg", ""),
            "CELERY_APP_BROKER_URL": broker.url,
        }
        daemon = DaemonProcess(tmp_path, yaml.safe_load(CONFIG), env)
        try:
            async with celery_worker(broker.url, "old@test", queues=("default", "mail")):
                await check(tmp_path, env)
                await daemon.launch()
                await eventually(
                    lambda: daemon.events("queues found"), "the queues", PATIENCE_SECONDS
                )
            [found] = daemon.events("queues found")
            assert found["queues"] == ["default", "eu", "mail"]
            await eventually(lambda: serving(daemon), "a worker of its own", PATIENCE_SECONDS)
            await airflow.tasks("queued", 40, "now", **EUROPE)
            await eventually(lambda: wanted(daemon, 3), "three replicas", PATIENCE_SECONDS)
        finally:
            await daemon.kill()
            kill_units(tmp_path / "state")


async def check(directory: Path, env: dict[str, str]) -> None:
    """`check --live` says the same beforehand, and leaves no trace."""
    config = directory / "three.yaml"
    config.write_text(CONFIG)
    command = [sys.executable, "-m", "autoscaler", "check", str(config), "--live", "--json"]
    python_path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    place = directory / "elsewhere"
    place.mkdir()
    checked = Process(command, directory / "check.log", {**env, **python_path}, place)
    await checked.launch()
    assert await checked.exited(PATIENCE_SECONDS) == 0, checked.output
    found = json.loads(checked.output.splitlines()[-1])["live"]["found"]
    queues = {row["queue"]: (row["fleet"], row["workers"]) for row in found["queues"]}
    assert queues == {"default": ("default", 1), "eu": ("default", 0), "mail": ("default", 1)}
    assert list(place.iterdir()) == []


async def serving(daemon: DaemonProcess) -> bool:
    """Whether one replica takes from all queues that were found."""
    replicas = (await daemon.get("/api/v1/fleets/default")).get("replicas", ())
    return [each["queues"] for each in replicas if each["ready"]] == [["default", "eu", "mail"]]


async def wanted(daemon: DaemonProcess, replicas: int) -> bool:
    return (await daemon.fleets())["default"]["desired"] == replicas

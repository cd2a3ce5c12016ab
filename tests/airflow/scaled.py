"""A real daemon that scales the workers of one Airflow, each a process of this machine."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import yaml

from tests.airflow.settings import REPOSITORY
from tests.airflow.stack import Airflow
from tests.airflow.tree import signal_tree
from tests.end_to_end.process import DaemonProcess
from tests.servers import eventually

BROKER = "AUTOSCALER_BROKER_URL"
DATABASE = "AUTOSCALER_AIRFLOW_DATABASE_URL"
API = "AUTOSCALER_AIRFLOW_API_URL"
SHIPPED = yaml.safe_load((REPOSITORY / "config" / "airflow-local.yaml").read_text())
PROMPT = ("source_down", "airflow_read_only", "airflow_api_unwell", "airflow_tasks_lost")
ACTIONS = ("add", "drain", "resume", "remove")


@dataclass(frozen=True)
class FleetPlan:
    """One fleet of Airflow workers, its queue of the same name.

    up_seconds, down_seconds: for how long more or fewer must be wanted before anything is done.
    """

    name: str = "default"
    least: int = 0
    most: int = 3
    slots: int = 8
    up_seconds: float = 0.0
    down_seconds: float = 5.0

    def config(self) -> dict[str, object]:
        """The fleet of config/airflow-local.yaml, with numbers that make tests quick."""
        (shipped,) = SHIPPED["fleets"]
        target = shipped["target"]
        return {
            **shipped,
            "target": {**target, "command": [*target["command"], "--concurrency={slots}"]},
            "name": self.name,
            "queues": [self.name],
            "slots_per_replica": self.slots,
            "min_replicas": self.least,
            "max_replicas": self.most,
            "behavior": {
                "scale_up": {"stabilization_window_seconds": self.up_seconds},
                "scale_down": {"stabilization_window_seconds": self.down_seconds},
            },
            "drain": {
                "max_draining": 4,
                "max_percent_per_cycle": 100,
                "max_percent_per_hour": 1000,
            },
        }


class Scaled(DaemonProcess):
    """The daemon, and the workers that it started."""

    def __init__(
        self,
        stack: Airflow,
        directory: Path,
        fleets: Sequence[FleetPlan],
        airflow: Mapping[str, object],
    ) -> None:
        self.plans = fleets
        self._state = directory / "state"
        config: dict[str, object] = {
            "interval_seconds": 1,
            "checks": {name: {"for_seconds": 5} for name in PROMPT},
            "fleets": [fleet.config() for fleet in fleets],
        }
        if airflow:
            config["sources"] = _sources(airflow)
        urls = {BROKER: stack.broker.url, DATABASE: stack.database_url, API: stack.api_url}
        super().__init__(directory, config, {**stack.env, **urls})

    async def until(
        self, timeout_seconds: float = 90, fleet: str = "default", **wanted: object
    ) -> None:
        """Wait until the API tells these values of a fleet: ready=3, draining=0, verdict=...."""

        async def reached() -> bool:
            assert self.running, f"the daemon ended: {self.output[-3000:]}"
            with contextlib.suppress(aiohttp.ClientError, KeyError):
                return wanted.items() <= (await self.fleets())[fleet].items()
            return False

        await eventually(reached, f"{fleet}: {wanted}", timeout_seconds, 0.2)

    async def leaving_at_work(self, fleet: str = "default") -> bool:
        """Whether a worker that is told to take no more still runs tasks."""
        replicas = (await self.get(f"/api/v1/fleets/{fleet}"))["replicas"]
        return any(replica["draining_since"] and replica["busy"] for replica in replicas)

    async def firing(self) -> list[str]:
        """The alerts that fire: the name of the check and the values of the labels."""
        alerts = (await self.get("/api/v1/alerts"))["alerts"]
        findings = [alert["finding"] for alert in alerts if alert["state"] == "firing"]
        return sorted(" ".join((f["check"], *f["labels"].values())) for f in findings)

    def actions(self) -> list[dict[str, Any]]:
        """What was done or tried so far, as the log tells it."""
        return [event for action in ACTIONS for event in self.events(action)]

    async def until_units(self, wanted: int, timeout_seconds: float = 120) -> None:
        """Wait until so many worker processes are left, of all fleets."""
        await eventually(
            lambda: len(self.units()) == wanted, f"{wanted} units", timeout_seconds, 0.2
        )

    def units(self) -> dict[str, int]:
        """Unit name -> process id of the workers that run now."""
        pids = {name: (record.get("process") or {}).get("pid") for name, record in self._records()}
        return {name: pid for name, pid in pids.items() if pid and psutil.pid_exists(pid)}

    def worker_log(self, unit: str) -> str:
        """What a worker has printed."""
        return next(self._state.glob(f"units/*/{unit}.log")).read_text(errors="replace")

    def _records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path in sorted(self._state.glob("units/*/[!.]*.json")):
            with contextlib.suppress(FileNotFoundError):
                yield path.stem, json.loads(path.read_text())["content"]

    async def close(self) -> None:
        """Kill the daemon and every worker it made, whatever state they are in."""
        await self.kill()
        for pid in self.units().values():
            signal_tree(pid, signal.SIGKILL)
        await self.until_units(0, 10)


def _sources(airflow: Mapping[str, object]) -> dict[str, object]:
    """Those that the environment names, with options for Airflow's database."""
    broker, database, api = ({"env": name} for name in (BROKER, DATABASE, API))
    return {
        "broker": {"kind": "redis_broker", "url": broker},
        "workers": {"kind": "celery_workers", "url": broker},
        "airflow": {"kind": "airflow_database", "url": database, **airflow},
        "api": {"kind": "airflow_api", "url": api},
    }


@contextlib.asynccontextmanager
async def scaled(
    stack: Airflow, directory: Path, *fleets: FleetPlan, **airflow: object
) -> AsyncIterator[Scaled]:
    """A daemon that has looked once at an Airflow with nothing to do, its fleets at the least.

    airflow: options of the source `airflow_database`; without any, the environment names sources.
    """
    await stack.revive()
    await stack.forget()
    rig = Scaled(stack, directory, fleets or [FleetPlan()], airflow)
    try:
        await rig.launch()
        for fleet in rig.plans:
            await rig.until(30, fleet.name, current=fleet.least)
        yield rig
    except BaseException:
        sys.stderr.write(f"{rig.output[-6000:]}\n{stack.logs()}")
        raise
    finally:
        await rig.close()

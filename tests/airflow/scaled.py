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
from prometheus_client.parser import text_string_to_metric_families

from tests.airflow.stack import Airflow
from tests.airflow.tree import signal_tree
from tests.servers import TESTS, Process, eventually, free_port

WORKER = ("--celery-hostname", "{unit}@%h", "--queues", "{queues}", "--concurrency", "{slots}")
AT_ONCE = {"stabilization_window_seconds": 0}


@dataclass(frozen=True)
class FleetPlan:
    """One fleet of Airflow workers: the least and most replicas, and slots of each."""

    name: str = "default"
    least: int = 0
    most: int = 3
    slots: int = 8

    def config(self, airflow: str) -> dict[str, object]:
        command = [airflow, "celery", "worker", *WORKER, "--without-gossip", "--skip-serve-logs"]
        return {
            "name": self.name,
            "queues": [self.name],
            "slots_per_replica": self.slots,
            "min_replicas": self.least,
            "max_replicas": self.most,
            "target": {"kind": "local", "command": command},
            "behavior": {"scale_up": AT_ONCE, "scale_down": {"stabilization_window_seconds": 5}},
            "drain": {
                "max_draining": 4,
                "max_percent_per_cycle": 100,
                "max_percent_per_hour": 1000,
            },
        }


class Scaled:
    """The daemon, its config and state directory, and what it tells over HTTP."""

    def __init__(self, stack: Airflow, directory: Path, fleets: Sequence[FleetPlan]) -> None:
        self.stack = stack
        self.fleets = fleets
        self.state = directory / "state"
        self.port = free_port()
        self._directory = directory
        config = directory / "config.json"
        config.write_text(json.dumps(self._config()))
        command = [sys.executable, "-m", "autoscaler", "run", "--config", str(config)]
        env = {**stack.env, "AUTOSCALER_BROKER_URL": stack.broker.url}
        self.daemon = Process(command, directory / "daemon.log", env, TESTS.parent)

    def _config(self) -> dict[str, object]:
        return {
            "interval_seconds": 1,
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "journal": {"path": str(self._directory / "journal.db")},
            "state_directory": str(self.state),
            "log": {"format": "json"},
            "fleets": [fleet.config(self.stack.program) for fleet in self.fleets],
        }

    async def gauges(self, name: str) -> dict[str, float]:
        """One gauge of /metrics by fleet; nothing while the daemon does not answer."""
        try:
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{self.port}/metrics"
                async with session.get(url) as response:
                    text = await response.text()
        except aiohttp.ClientError:
            return {}
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        return {s.labels.get("fleet", ""): s.value for s in samples if s.name == name}

    async def gauge(self, name: str, fleet: str = "default") -> float:
        """One gauge of one fleet; -1 while it is not told."""
        return (await self.gauges(f"autoscaler_{name}")).get(fleet, -1.0)

    async def until(
        self, name: str, wanted: float, timeout_seconds: float = 90, fleet: str = "default"
    ) -> None:
        """Wait until the gauge `autoscaler_NAME` of a fleet has this value."""

        async def reached() -> bool:
            return await self.gauge(name, fleet) == wanted

        await eventually(reached, f"{fleet}: {name} = {wanted}", timeout_seconds, 0.2)

    async def until_units(self, wanted: int, timeout_seconds: float = 120) -> None:
        """Wait until so many worker processes are left, of all fleets."""
        await eventually(
            lambda: len(self.units()) == wanted, f"{wanted} units", timeout_seconds, 0.2
        )

    def units(self) -> dict[str, int]:
        """Unit name -> process id of the workers that run now."""
        pids = {name: (record.get("process") or {}).get("pid") for name, record in self._records()}
        return {name: pid for name, pid in pids.items() if pid and psutil.pid_exists(pid)}

    def _records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for path in sorted((self.state / "units").glob("*/[!.]*.json")):
            with contextlib.suppress(FileNotFoundError):
                yield path.stem, json.loads(path.read_text())["content"]

    async def close(self) -> None:
        """Kill the daemon and every worker it made, whatever state they are in."""
        await self.daemon.kill()
        for pid in self.units().values():
            signal_tree(pid, signal.SIGKILL)
        await self.until_units(0, 10)


@contextlib.asynccontextmanager
async def scaled(stack: Airflow, directory: Path, *fleets: FleetPlan) -> AsyncIterator[Scaled]:
    """A daemon whose first tick is done, over an Airflow that has nothing to do."""
    await stack.forget()
    rig = Scaled(stack, directory, fleets or [FleetPlan()])
    try:
        await rig.daemon.launch()
        for fleet in rig.fleets:
            await rig.until("current_replicas", 0, 30, fleet.name)
        yield rig
    except BaseException:
        sys.stderr.write(f"{rig.daemon.output[-6000:]}\n{stack.logs()}")
        raise
    finally:
        await rig.close()

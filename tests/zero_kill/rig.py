"""A daemon with real workers under load, and the ledger that tells what became of every task."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from autoscaler.clock import Clock
from autoscaler.model import Override
from autoscaler.overrides import Overrides
from tests.servers import TESTS, Process, eventually, free_port, valkey


@dataclass(frozen=True)
class Load:
    """What is sent, and how its workers take it.

    visibility_timeout: seconds after which Redis gives back what a worker fetched and lost with
    its connection; Celery's default is an hour.
    """

    tasks: int = 500
    shortest_seconds: float = 0.2
    longest_seconds: float = 3.0
    prefetch: int = 4
    acks_late: bool = False
    visibility_timeout: int = 3600
    slots: int = 4
    workers: int = 6


@dataclass(frozen=True)
class Verdict:
    """What became of the tasks; `killed` began and did not end, `lost` never began."""

    finished: int
    lost: int
    killed: int
    run_twice: int


class Rig:
    """One daemon over one fleet of real workers; the test plays the operator."""

    def __init__(self, directory: Path, broker_url: str, ledger_url: str, load: Load) -> None:
        self.load = load
        self.state = directory / "state"
        self.port = free_port()
        self._directory = directory
        self._broker_url = broker_url
        self._ledger_url = ledger_url
        self._overrides = Overrides(self.state)
        self._clock = Clock()
        self._sent: list[str] = []
        self._config = directory / "config.json"
        self._config.write_text(json.dumps(self.configuration()))
        command = [sys.executable, "-m", "autoscaler", "run", "--config", str(self._config)]
        self.daemon = Process(command, directory / "daemon.log", {}, TESTS.parent)

    def configuration(self) -> dict[str, object]:
        """The whole config of its daemon."""
        url = self._broker_url
        broker = "redis_broker" if url.startswith("redis") else "rabbitmq_broker"
        return {
            "interval_seconds": 1,
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "journal": {"path": str(self._directory / "journal.db")},
            "state_directory": str(self.state),
            "log": {"format": "json"},
            "sources": {
                "broker": {"kind": broker, "url": url},
                "workers": {"kind": "celery_workers", "url": url},
            },
            "fleets": [self._fleet()],
        }

    def _fleet(self) -> dict[str, object]:
        at_once = {"stabilization_window_seconds": 0}
        return {
            "name": "default",
            "queues": ["default", "high"],
            "slots_per_replica": self.load.slots,
            "min_replicas": 1,
            "max_replicas": self.load.workers,
            "target": self._target(),
            "behavior": {"scale_up": at_once, "scale_down": at_once},
            "drain": {
                "max_draining": 4,
                "max_percent_per_cycle": 100,
                "max_percent_per_hour": 1000,
            },
        }

    def _target(self) -> dict[str, object]:
        command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker"]
        command += ["--hostname", "{unit}@%h", "--queues", "{queues}", "--concurrency", "{slots}"]
        env = self.worker_environment()
        return {"kind": "local", "command": command, "cwd": str(TESTS.parent), "env": env}

    def worker_environment(self) -> dict[str, str]:
        """What the workers' application reads."""
        return {
            "CELERY_APP_BROKER_URL": self._broker_url,
            "CELERY_APP_LEDGER_URL": self._ledger_url,
            "CELERY_APP_PREFETCH": str(self.load.prefetch),
            "CELERY_APP_ACKS_LATE": str(int(self.load.acks_late)),
            "CELERY_APP_VISIBILITY_TIMEOUT": str(self.load.visibility_timeout),
        }

    async def hold(self, replicas: int) -> None:
        """As an operator's `scale` does."""
        now = self._clock.now()
        self._overrides.set(Override("default", "test", "test", now, replicas=replicas))

    async def gauge(self, name: str) -> float:
        """One gauge of the fleet from /metrics; -1 while the daemon does not answer."""
        url = f"http://127.0.0.1:{self.port}/metrics"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                text = await response.text()
        except aiohttp.ClientError:
            return -1.0
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels.get("fleet") == "default":
                    return sample.value
        return -1.0

    async def until(self, name: str, wanted: float, timeout_seconds: float = 90) -> None:
        """Wait until the gauge `autoscaler_NAME` has this value."""

        async def reached() -> bool:
            return await self.gauge(f"autoscaler_{name}") == wanted

        await eventually(reached, f"{name} = {wanted}", timeout_seconds, every_seconds=0.1)

    async def until_units(self, wanted: int, timeout_seconds: float = 120) -> None:
        """Wait until so many worker processes are left."""
        await eventually(
            lambda: len(self.units()) == wanted, f"{wanted} units", timeout_seconds, 0.1
        )

    def units(self) -> dict[str, int]:
        """Unit name -> process id of the workers that run now."""
        pids = {name: (record.get("process") or {}).get("pid") for name, record in self._records()}
        return {name: pid for name, pid in pids.items() if pid and psutil.pid_exists(pid)}

    def draining(self) -> list[str]:
        """The names of the units that are marked to leave."""
        return [name for name, record in self._records() if record.get("drain")]

    def _records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in sorted((self.state / "units" / "default").glob("[!.]*.json")):
            with contextlib.suppress(FileNotFoundError):
                yield path.stem, json.loads(path.read_text())["content"]

    def send(self, tasks: int | None = None) -> None:
        """Queue naps of random length, seeded, over both queues."""
        lengths = random.Random(7)
        app = Celery(broker=self._broker_url)
        with app.connection_for_write() as connection:
            for number in range(tasks or self.load.tasks):
                seconds = lengths.uniform(self.load.shortest_seconds, self.load.longest_seconds)
                queue = "high" if number % 3 == 0 else "default"
                result = app.send_task("nap", (seconds,), queue=queue, connection=connection)
                self._sent.append(str(result.id))

    async def started(self) -> frozenset[str]:
        """The ids of the tasks that have begun."""
        return frozenset(await self._ledger("started"))

    async def run_twice(self) -> frozenset[str]:
        """The ids of the tasks that began more than once."""
        begun = Counter(await self._ledger("started"))
        return frozenset(task for task, times in begun.items() if times > 1)

    async def finished_at_least(self, tasks: int, timeout_seconds: float = 120) -> None:
        async def done() -> bool:
            return len(set(await self._ledger("finished"))) >= tasks

        await eventually(done, f"{tasks} tasks finished", timeout_seconds, every_seconds=0.2)

    async def verdict(self) -> Verdict:
        """What became of every task sent."""
        started = Counter(await self._ledger("started"))
        finished = set(await self._ledger("finished"))
        sent = set(self._sent)
        return Verdict(
            finished=len(sent & finished),
            lost=len(sent - set(started)),
            killed=len(set(started) - finished),
            run_twice=len(await self.run_twice()),
        )

    async def _ledger(self, page: str) -> list[str]:
        async with Redis.from_url(self._ledger_url, decode_responses=True) as ledger:
            return list(await ledger.lrange(f"ledger:{page}", 0, -1))

    async def kill_daemon_and_start_again(self) -> None:
        await self.daemon.kill()
        await self.daemon.launch()

    async def close(self) -> None:
        """Kill the daemon and every worker it made, whatever state they are in."""
        await self.daemon.kill()
        for pid in self.units().values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        await self.until_units(0, 10)


@contextlib.asynccontextmanager
async def running(directory: Path, broker_url: str, load: Load) -> AsyncIterator[Rig]:
    """A rig whose fleet stands at full size, the load not yet sent."""
    async with valkey() as ledger:
        rig = Rig(directory, broker_url, ledger.url, load)
        try:
            await rig.hold(load.workers)
            await rig.daemon.launch()
            await rig.until("ready_replicas", load.workers, 120)
            yield rig
        except BaseException:
            sys.stderr.write(rig.daemon.output[-6000:])
            raise
        finally:
            await rig.close()


async def settle(seconds: float) -> None:
    """Let a fault last; what is asserted afterwards is asserted of the whole time."""
    await asyncio.sleep(seconds)

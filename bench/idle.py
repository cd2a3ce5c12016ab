"""What the daemon takes while nothing happens: 10 real workers, 10 queues, the default interval.

`python -m bench.idle [--seconds N]`
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import psutil
from aiohttp import ClientError, ClientSession

from autoscaler.demo.sandbox import free_port, sandbox
from bench.figures import Figure, tell
from tests.servers import Process, eventually

WORKERS = 10
QUEUES = [f"queue-{number}" for number in range(10)]
START_SECONDS = 90.0
SETTLE_SECONDS = 15.0
CONFIG = f"""
state_directory: {{directory}}
journal: {{{{path: {{directory}}/journal.db}}}}
http: {{{{listen: "127.0.0.1:{{port}}"}}}}
log: {{{{format: json}}}}
fleets:
  - name: default
    queues: [{", ".join(QUEUES)}]
    slots_per_replica: 2
    target:
      kind: local
      command: [celery, -A, autoscaler.demo.tasks, worker, --hostname, "{{{{unit}}}}@%h",
                --queues, "{{{{queues}}}}", --concurrency, "{{{{slots}}}}", --pool, threads]
      env: {{{{CELERY_BROKER_URL: {{{{env: AUTOSCALER_BROKER_URL}}}}}}}}
    min_replicas: {WORKERS}
    max_replicas: {WORKERS}
"""


async def measure(seconds: float) -> tuple[float, float]:
    """The daemon's share of one core in percent, and its resident memory in MB, after a while."""
    async with sandbox() as place:
        path = place.directory / "autoscaler.yaml"
        port = free_port()
        path.write_text(CONFIG.format(directory=place.directory, port=port))
        command = [sys.executable, "-m", "autoscaler", "run", "--config", str(path)]
        daemon = Process(command, place.directory / "daemon.log")
        await daemon.launch()
        try:
            await eventually(lambda: _all_ready(port), "ready workers", START_SECONDS, 1.0)
            await asyncio.sleep(SETTLE_SECONDS)
            process = psutil.Process(daemon.pid)
            before = process.cpu_times()
            await asyncio.sleep(seconds)
            after = process.cpu_times()
            used = after.user + after.system - before.user - before.system
            return 100 * used / seconds, process.memory_info().rss / 1e6
        finally:
            await daemon.kill()


async def _all_ready(port: int) -> bool:
    wanted = f'autoscaler_ready_replicas{{fleet="default"}} {WORKERS}.0'
    url = f"http://127.0.0.1:{port}/metrics"
    try:
        async with ClientSession() as session, session.get(url) as response:
            return wanted in await response.text()
    except ClientError:
        return False


def main() -> int:
    """1 when CPU or memory are out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    seconds = parser.parse_args().seconds
    cpu, memory = asyncio.run(measure(seconds))
    return tell(
        f"{WORKERS} idle workers, {len(QUEUES)} queues, a tick every 5 s ({seconds:.0f} s)",
        [
            Figure("CPU, of one core", cpu, "%", 1.0),
            Figure("resident memory", memory, "MB", 90.0),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

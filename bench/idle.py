"""What the daemon takes while nothing happens: 10 real workers, 10 queues, the default interval.

`python -m bench.idle [--seconds N]`
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import psutil

from bench.figures import Figure, tell
from tests.servers import Process, celery_worker, eventually, valkey

WORKERS = 10
QUEUES = tuple(f"queue-{number}" for number in range(10))
SETTLE_SECONDS = 15.0
CONFIG = """
state_directory: {directory}
journal: {{path: {directory}/journal.db}}
http: {{listen: "127.0.0.1:0"}}
log: {{format: json}}
sources:
  broker: {{kind: redis_broker, url: "{url}"}}
  workers: {{kind: celery_workers, url: "{url}"}}
fleets:
  - name: default
    queues: [{queues}]
    slots_per_replica: 2
    target: {{kind: simulated, initial_replicas: 10}}
    min_replicas: 10
    max_replicas: 20
"""


async def measure(seconds: float) -> tuple[float, float]:
    """The daemon's share of one core in percent, and its resident memory in MB, after a while."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(valkey())
        for number in range(WORKERS):
            worker = celery_worker(
                server.url, f"w{number}@bench", queues=QUEUES, concurrency=2, pool="threads"
            )
            await stack.enter_async_context(worker)
        path = directory / "autoscaler.yaml"
        path.write_text(
            CONFIG.format(directory=directory, url=server.url, queues=", ".join(QUEUES))
        )
        command = [sys.executable, "-m", "autoscaler", "run", "--config", str(path)]
        daemon = Process(command, directory / "daemon.log")
        stack.push_async_callback(daemon.kill)
        await daemon.launch()
        await eventually(lambda: "decided" in daemon.output, f"a decision\n{daemon.output}", 20)
        await asyncio.sleep(SETTLE_SECONDS)
        process = psutil.Process(daemon.pid)
        before = process.cpu_times()
        await asyncio.sleep(seconds)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        return 100 * used / seconds, process.memory_info().rss / 1e6


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

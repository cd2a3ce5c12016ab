"""From a jump of a queue to the first action: the daemon with its default interval, real Valkey.

Each jump is of another queue, at a random moment of the interval.
`python -m bench.jump [--jumps N]`
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import structlog

from autoscaler.config import load
from autoscaler.daemon import Daemon
from autoscaler.model import ActionKind, Result, Tick
from bench.figures import Figure, quantile, tell
from tests.servers import valkey

CONFIG = """
state_directory: {directory}
journal: {{path: {directory}/journal.db}}
http: {{listen: "127.0.0.1:0"}}
sources:
  broker: {{kind: redis_broker, url: "{url}"}}
  workers: {{kind: celery_workers, url: "{url}"}}
fleets:
"""
FLEET = """
  - name: {name}
    queues: [{name}]
    slots_per_replica: 10
    target: {{kind: simulated, initial_replicas: 1}}
    max_replicas: 10
"""
TASKS_A_JUMP = 20
PATIENCE_SECONDS = 15.0


class Adds:
    """An observer that says when units were added."""

    def __init__(self) -> None:
        self.happened = asyncio.Event()

    def __call__(self, tick: Tick) -> None:
        outcomes = [outcome for turn in tick.fleets.values() for outcome in turn.outcomes]
        for outcome in outcomes:
            if outcome.action.kind is ActionKind.ADD and outcome.result is Result.APPLIED:
                self.happened.set()


async def measure(jumps: int) -> list[float]:
    """Seconds from each push of tasks until units were added for them."""
    chance = random.Random(1)
    adds = Adds()
    with tempfile.TemporaryDirectory() as directory:
        async with valkey() as server, server.client() as broker:
            path = Path(directory) / "autoscaler.yaml"
            names = [f"fleet-{number}" for number in range(jumps)]
            head = CONFIG.format(directory=directory, url=server.url)
            path.write_text(head + "".join(FLEET.format(name=name) for name in names))
            config = load(path)
            daemon = Daemon(path, config, observers=(adds,))
            running = asyncio.create_task(daemon.run())
            await asyncio.sleep(config.interval_seconds + 1)
            seconds = []
            for name in names:
                await asyncio.sleep(1 + chance.uniform(0, config.interval_seconds))
                adds.happened.clear()
                began = time.perf_counter()
                await broker.lpush(name, *["{}"] * TASKS_A_JUMP)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await adds.happened.wait()
                seconds.append(time.perf_counter() - began)
            daemon.stop()
            await running
            await daemon.aclose()
    return seconds


def main() -> int:
    """1 when the 95th percentile is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jumps", type=int, default=40)
    jumps = parser.parse_args().jumps
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seconds = asyncio.run(measure(jumps))
    return tell(
        f"{jumps} jumps of a queue, at random moments of the default interval of 5 s",
        [
            Figure("jump to first action, median", median(seconds), "s"),
            Figure("jump to first action, p95", quantile(seconds, 0.95), "s", 1.5),
            Figure("jump to first action, longest", max(seconds), "s"),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

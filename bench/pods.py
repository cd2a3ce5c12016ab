"""What 2,000 pods in 50 fleets take while nothing happens: a whole daemon over a fake cluster.

`python -m bench.pods [--seconds N]`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

import psutil

from bench.figures import Figure, tell
from tests.kubernetes.cluster import NAMESPACE, Cluster, cluster
from tests.servers import Process, eventually, free_port

FLEETS, PODS = 50, 40
START_SECONDS = 180.0
SETTLE_SECONDS = 15.0


def configuration(directory: Path, kubeconfig: Path) -> dict[str, object]:
    """Fleets that stay as they are."""
    target = {"kind": "kubernetes", "namespace": NAMESPACE, "kubeconfig": str(kubeconfig)}
    least = {"kind": "schedule", "cron": "0 0 * * *", "duration_seconds": 60, "min_replicas": 1}
    size = {"queues": [], "min_replicas": PODS, "max_replicas": PODS, "policies": [least]}
    return {
        "state_directory": str(directory / "state"),
        "journal": {"path": str(directory / "journal.db")},
        "http": {"listen": f"127.0.0.1:{free_port()}"},
        "log": {"format": "json"},
        "fleets": [
            {"name": f"fleet-{n}", **size, "target": {**target, "deployment": f"worker-{n}"}}
            for n in range(FLEETS)
        ],
    }


async def measure(seconds: float) -> tuple[float, float, int, int]:
    """CPU in percent of a core, memory in MB, and the lists at the start and in all."""
    with tempfile.TemporaryDirectory() as place:
        async with cluster() as made:
            return await _measured(made, Path(place), seconds)


async def _measured(
    made: Cluster, directory: Path, seconds: float
) -> tuple[float, float, int, int]:
    for number in range(FLEETS):
        made.deployment(f"worker-{number}", PODS)
    await eventually(lambda: len(made.watches) == 0 and _pods(made), "pods", START_SECONDS, 1.0)
    path = directory / "autoscaler.json"
    kubeconfig = made.kubeconfig(directory)
    path.write_text(json.dumps(configuration(directory, kubeconfig)))
    command = [sys.executable, "-m", "autoscaler", "run", "--config", str(path)]
    daemon = Process(command, directory / "daemon.log")
    await daemon.launch()
    try:
        await eventually(lambda: len(made.watches) == 2 * FLEETS, "watches", START_SECONDS, 1.0)
        await asyncio.sleep(SETTLE_SECONDS)
        process, lists = psutil.Process(daemon.pid), len(made.asked("list"))
        before = process.cpu_times()
        await asyncio.sleep(seconds)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        memory = process.memory_info().rss / 1e6
        return 100 * used / seconds, memory, lists, len(made.asked("list")) - lists
    finally:
        await daemon.kill()


def _pods(made: Cluster) -> bool:
    return len(made.store.list("pods", NAMESPACE)) == FLEETS * PODS


def main() -> int:
    """1 when something is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    seconds = parser.parse_args().seconds
    cpu, memory, first, later = asyncio.run(measure(seconds))
    return tell(
        f"{FLEETS * PODS} pods in {FLEETS} fleets, a tick every 5 s ({seconds:.0f} s)",
        [
            Figure("CPU, of one core", cpu, "%", 3.0),
            Figure("resident memory", memory, "MB", 150.0),
            Figure("lists at the start", first, ""),
            Figure("lists after that", later, "", 1.0),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

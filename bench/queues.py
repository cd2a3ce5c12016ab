"""How long it takes to read 1,000 queues, with 4 priority steps each, from a real Valkey."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from statistics import median
from uuid import uuid4

from autoscaler.interfaces import Context
from autoscaler.secret import Secret
from autoscaler.sources.redis_broker import RedisBroker, RedisBrokerOptions
from bench.figures import Figure, tell
from tests.servers import Valkey, valkey

QUEUES, TASKS, READS = 1000, 20, 60
BOUND_MILLISECONDS = 10.0


async def main() -> int:
    """Read while no queue, every tenth and every queue holds tasks."""
    figures = []
    for filled in (0, QUEUES // 10, QUEUES):
        wall, cpu = await _measure(filled)
        name = f"{filled:,} of them hold tasks"
        figures.append(Figure(f"a read while {name}", wall, "ms", BOUND_MILLISECONDS))
        figures.append(Figure("  of it CPU time of ours", cpu, "ms"))
    return tell(f"{QUEUES:,} queues in one tick (median of {READS} reads)", figures)


async def _measure(filled: int) -> tuple[float, float]:
    """Milliseconds of the wall and of CPU for one read."""
    names = tuple(f"queue-{number:04d}" for number in range(QUEUES))
    async with valkey() as server:
        await _fill(server, names[:filled])
        options = RedisBrokerOptions(url=Secret(server.url), queues=names)
        source = RedisBroker(options, Context("broker"))
        wall, cpu = [], []
        for _ in range(READS):
            began, spent = time.perf_counter(), time.process_time()
            state = await source.read(1e9)
            wall.append(time.perf_counter() - began)
            cpu.append(time.process_time() - spent)
            await asyncio.sleep(0)
        await source.aclose()
    if sum(queue.waiting for queue in state.queues.values()) != TASKS * filled:
        raise SystemExit("the tasks were not counted rightly")
    return 1000 * median(wall), 1000 * median(cpu)


async def _fill(server: Valkey, names: tuple[str, ...]) -> None:
    async with server.client() as client:
        pipe = client.pipeline(transaction=False)
        for name in names:
            pipe.lpush(name, *(_message() for _ in range(TASKS)))
        await pipe.execute()


def _message() -> str:
    """As long as the message of a task with two arguments, about 950 bytes."""
    properties = {"priority": 0, "body_encoding": "base64", "delivery_tag": str(uuid4())}
    return json.dumps({"body": "x" * 300, "headers": {"id": "y" * 500}, "properties": properties})


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""1,000 queues read in one tick: `python -m bench.queues`; the bound is 10 ms."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
import uuid

from autoscaler.interfaces import Context
from autoscaler.model import Fleet
from autoscaler.secret import Secret
from autoscaler.sources.redis_broker import RedisBroker, RedisBrokerOptions
from tests.servers import valkey

QUEUES = 1_000
READS = 40
BOUND_MS = 10.0


def message() -> str:
    properties = {"priority": 0, "body_encoding": "base64", "delivery_tag": str(uuid.uuid4())}
    return json.dumps({"body": "x" * 300, "headers": {"id": "y" * 400}, "properties": properties})


async def measure(filled: int) -> tuple[float, float]:
    """Median wall and CPU milliseconds of a read of which `filled` queues hold 20 tasks."""
    names = tuple(f"queue-{number:04d}" for number in range(QUEUES))
    async with valkey() as server:
        async with server.client() as client:
            pipe = client.pipeline(transaction=False)
            for name in names[:filled]:
                pipe.lpush(name, *(message() for _ in range(20)))
            await pipe.execute()
        context = Context("broker", fleets=(Fleet("all", queues=names),))
        source = RedisBroker(RedisBrokerOptions(url=Secret(server.url)), context)
        await source.read(time.time())
        wall, cpu = [], time.process_time()
        for _ in range(READS):
            began = time.perf_counter()
            state = await source.read(time.time())
            wall.append(time.perf_counter() - began)
        cpu = time.process_time() - cpu
        assert sum(queue.waiting for queue in state.queues.values()) == 20 * filled
        await source.aclose()
        return 1e3 * statistics.median(wall), 1e3 * cpu / READS


async def main() -> None:
    for filled in (0, QUEUES // 10, QUEUES):
        wall, cpu = await measure(filled)
        print(
            f"{QUEUES} queues x 4 priority steps, {filled} with tasks:"
            f" {wall:.1f} ms a read ({cpu:.1f} ms CPU), {wall / BOUND_MS:.2f} of the bound"
        )


if __name__ == "__main__":
    asyncio.run(main())

"""What the heartbeats of 1,000 workers cost: 500 a second, published by another process."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from contextlib import suppress
from uuid import uuid4

from redis.asyncio import Redis

from autoscaler.interfaces import Context
from autoscaler.secret import Secret
from autoscaler.sources.celery_workers import CeleryWorkers, CeleryWorkersOptions
from bench.figures import Figure, tell
from tests.servers import eventually, valkey

WORKERS, PER_SECOND, SECONDS = 1000, 500, 10
SLICES = 20  # of a second, in each of which some are published
BOUND_PERCENT = 5.0


async def main() -> int:
    """Watch while another process publishes, and count our own CPU time."""
    async with valkey() as server:
        source = CeleryWorkers(CeleryWorkersOptions(url=Secret(server.url)), Context("workers"))
        online: list[str] = []
        watching = asyncio.create_task(source.watch(online.append))
        await asyncio.sleep(0.2)
        publisher = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.heartbeats", server.url
        )
        await eventually(lambda: len(online) == WORKERS, "every worker heard of")
        began, spent = time.perf_counter(), time.process_time()
        await publisher.wait()
        share = (time.process_time() - spent) / (time.perf_counter() - began)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await source.aclose()
    return tell(
        f"Heartbeats of {WORKERS:,} workers, {PER_SECOND} a second for {SECONDS} s",
        [
            Figure("CPU time, share of one core", 100 * share, "%", BOUND_PERCENT),
            Figure("CPU time of one heartbeat", 1e6 * share / PER_SECOND, "µs"),
        ],
    )


async def publish(url: str) -> None:
    """All workers' heartbeats, evenly over time."""
    async with Redis.from_url(url) as client:
        began = time.perf_counter()
        per_slice = PER_SECOND // SLICES
        for number in range(SECONDS * SLICES):
            pipe = client.pipeline(transaction=False)
            for place in range(number * per_slice, (number + 1) * per_slice):
                pipe.publish("/0.celeryev/worker.heartbeat", _heartbeat(place % WORKERS, place))
            await pipe.execute()
            await asyncio.sleep(began + number / SLICES - time.perf_counter())


def _heartbeat(worker: int, count: int) -> str:
    """As Celery sends it, about 670 bytes."""
    body = {
        "hostname": f"worker-{worker}@host",
        "utcoffset": 0.0,
        "pid": 1000 + worker,
        "clock": count,
        "freq": 2.0,
        "active": 3,
        "processed": count,
        "loadavg": [1.25, 1.5, 1.75],
        "sw_ident": "py-celery",
        "sw_ver": "5.7.0",
        "sw_sys": "Linux",
        "timestamp": 1e9,
        "type": "worker-heartbeat",
    }
    properties = {
        "delivery_mode": 1,
        "delivery_info": {"exchange": "celeryev", "routing_key": "worker.heartbeat"},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
    }
    envelope = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"hostname": f"worker-{worker}@host"},
        "properties": properties,
    }
    return json.dumps(envelope)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(publish(sys.argv[1]))
    else:
        sys.exit(asyncio.run(main()))

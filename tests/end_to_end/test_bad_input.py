"""Brokers that are down, wrong or half dead: told once, mended at run time, nothing is lowered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.clock import STABLE_SECONDS, Clock
from autoscaler.config import Config
from autoscaler.controller import Controller
from tests.end_to_end.process import AT_ONCE, DaemonProcess, daemon
from tests.fakes import WORLDS, World
from tests.servers import Valkey, eventually, free_port, tls_front, valkey

PASSWORD = "s3cret/with@signs"
REPLICAS = 4
BOTH_UP = {"broker": 1.0, "workers": 1.0}
FAULTS = {
    "down": "Connection refused",
    "frozen": "did not answer in time",
    "mute": "did not answer in time",
    "no-password": "write :PASSWORD@ before the host",
    "plain-to-tls": "write rediss://",
    "replica": "read-only replica",
    "tls-to-plain": "write redis://",
    "wrong-number": "no database of this number",
    "wrong-password": "the user or password is wrong",
}


def fleet(name: str, old_seconds: float = 0, **changes: object) -> dict[str, object]:
    """Four units; nothing but readings and `min_replicas` hold them."""
    target = {"kind": "simulated", "start_seconds": old_seconds, "initial_replicas": REPLICAS}
    return {"name": name, "max_replicas": REPLICAS + 1, "target": target, **AT_ONCE, **changes}


def of_queue(name: str) -> dict[str, object]:
    """A fleet scaled by the depth of the queue of its name, which its own source reads."""
    follow = {"kind": "target_tracking", "sample": "queue_depth", "average_value": 10}
    return fleet(name, queues=[name], policies=[follow])


@contextlib.asynccontextmanager
async def mute_server() -> AsyncIterator[int]:
    """The port of a server that accepts connections and never says a word."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def bad_brokers(frozen: Valkey, good: Valkey) -> AsyncIterator[dict[str, str]]:
    """The URL of each fault; a freezing of `frozen` is the test's business."""
    replicaof = ("--replicaof", f"127.0.0.1 {frozen.port}")
    async with (
        valkey(options=replicaof) as replica,
        tls_front(good.port) as tls,
        mute_server() as mute,
    ):
        yield {
            "down": f"redis://127.0.0.1:{free_port()}/0",
            "frozen": frozen.url,
            "mute": f"redis://127.0.0.1:{mute}/0",
            "no-password": f"redis://127.0.0.1:{good.port}/0",
            "plain-to-tls": f"redis://127.0.0.1:{tls}/0",
            "replica": replica.url,
            "tls-to-plain": good.url.replace("redis://", "rediss://"),
            "wrong-number": good.database(99),
            "wrong-password": f"redis://:wrong@127.0.0.1:{good.port}/0",
        }


def refer(directory: Path, name: str, url: str) -> dict[str, str]:
    """The reference to a URL in a file, which may be mended while the daemon runs."""
    path = directory / f"{name}.url"
    path.write_text(url)
    path.chmod(0o600)
    return {"file": str(path)}


async def told_once(running: DaemonProcess, event: str, names: set[str]) -> None:
    """One line for each of these sources, and none for any other."""
    told = [line["source"] for line in running.events(event)]
    assert sorted(told) == sorted(names)


async def test_every_fault_of_a_broker_is_told_once_and_mended_at_run_time(tmp_path):
    async with valkey(password=PASSWORD) as good, valkey() as frozen:
        await told_and_mended(tmp_path, good, frozen)


async def told_and_mended(tmp_path: Path, good: Valkey, frozen: Valkey) -> None:
    async with bad_brokers(frozen, good) as urls:
        sources = {name: of_broker(tmp_path, name, url) for name, url in urls.items()}
        sources["workers"] = {"kind": "celery_workers", "url": good.url}
        config = {"sources": sources, "fleets": [of_queue(name) for name in urls]}
        frozen.pause()
        async with daemon(tmp_path, config) as running:
            whys = await running.sources()
            assert {name: whys[name] for name, why in FAULTS.items() if why not in whys[name]} == {}
            assert await running.source_up() == dict.fromkeys(FAULTS, 0.0) | {"workers": 1.0}
            await running.ticked(3)
            await told_once(running, "source down", set(FAULTS))
            fleets = await running.fleets()
            assert {one["desired"] for one in fleets.values()} == {REPLICAS}
            frozen.resume()
            for name in set(FAULTS) - {"frozen"}:
                refer(tmp_path, name, good.url)
            await all_well(running, set(FAULTS))
            await fallen(running, set(FAULTS))


def of_broker(directory: Path, name: str, url: str) -> dict[str, object]:
    return {
        "kind": "redis_broker",
        "url": refer(directory, name, url),
        "queues": [name],
        "timeout_seconds": 0.5,
    }


async def all_well(running: DaemonProcess, names: set[str]) -> None:
    """Wait until every source is read again; each told it once, and went down but once."""

    async def mended() -> bool:
        return set((await running.source_up()).values()) == {1.0}

    await eventually(mended, f"recovery of {sorted(names)}", 20, every_seconds=0.2)
    for event in ("source down", "source recovered"):
        await told_once(running, event, names)


async def fallen(running: DaemonProcess, names: set[str]) -> None:
    """What was held for want of readings goes as soon as they are there: the queues are empty."""

    async def least() -> bool:
        fleets = await running.fleets()
        return {fleets[name]["desired"] for name in names} == {1}

    await eventually(least, "scale-in after the recovery", 20, every_seconds=0.2)


@pytest.mark.full
async def test_a_broker_that_freezes_dies_and_comes_back_lowers_nothing(tmp_path):
    """With work in the queue, so that its depth is known to be no 0."""
    async with valkey(persist=True) as broker:
        async with broker.client() as client:
            await client.rpush("steady", *range(REPLICAS * 10))
        source = {"kind": "redis_broker", "url": broker.url, "queues": ["steady"]}
        workers = {"kind": "celery_workers", "url": broker.url}
        sources = {"broker": {**source, "timeout_seconds": 0.5}, "workers": workers}
        config = {"sources": sources, "fleets": [of_queue("steady")]}
        async with daemon(tmp_path, config) as running:
            assert await running.source_up() == BOTH_UP
            await running.ticked(1)
            broker.pause()
            await down(running, "did not answer in time")
            broker.resume()
            await all_well(running, set(BOTH_UP))
            await broker.stop()
            await down(running, "Connection refused")
            await broker.start()
            await eventually(lambda: len(running.events("source recovered")) == 4, "recovery", 20)
            assert len(running.events("source down")) == 4
            assert {line["desired"] for line in running.events("decided")} == {REPLICAS}
            assert {line["desired"] for line in running.events("unchanged")} == {REPLICAS}
            async with broker.client() as client:
                await client.delete("steady")
            await fallen(running, {"steady"})


async def down(running: DaemonProcess, why: str) -> None:
    async def is_down() -> bool:
        return all(why in told for told in (await running.sources()).values())

    await eventually(is_down, f"the broker is down: {why}", 15, every_seconds=0.1)
    assert await running.source_up() == dict.fromkeys(BOTH_UP, 0.0)
    await running.ticked(3)
    assert (await running.fleets())["steady"]["desired"] == REPLICAS


OF_WORKERS = {"queues": ["default"], "slots_per_replica": 1, "old_seconds": 600}


def with_workers(url: str, **changes: object) -> dict[str, object]:
    return {
        "sources": {
            "broker": {"kind": "redis_broker", "url": url},
            "workers": {"kind": "celery_workers", "url": url},
        },
        "fleets": [fleet("default", **{**OF_WORKERS, **changes})],
    }


@pytest.mark.full
async def test_out_of_memory_is_told_and_passes(tmp_path):
    async with valkey(options=("--maxmemory", "1mb")) as broker, broker.client() as client:
        config = with_workers(broker.url)
        async with daemon(tmp_path, config) as running:
            assert "it is out of memory" in (await running.sources())["workers"]
            assert (await running.source_up())["workers"] == 0
            await running.ticked(3)
            assert (await running.fleets())["default"]["desired"] == REPLICAS
            await client.config_set("maxmemory", 0)
            await eventually(lambda: running.events("source recovered"), "recovery", 20)
            await told_once(running, "source down", {"workers"})
            await told_once(running, "source recovered", {"workers"})


@pytest.mark.full
async def test_the_wrong_database_is_not_taken_for_one_without_work(tmp_path):
    """Redis knows no such fault: its queues are empty there, and no worker answers."""
    async with valkey() as broker, broker.client() as client:
        await client.rpush("default", "work")
        config = with_workers(broker.database(7))
        async with daemon(tmp_path, config) as running:
            await running.ticked(6)
            seen = (await running.fleets())["default"]
            assert seen["missing"], "says why nothing is lowered"
            assert (seen["desired"], seen["draining"]) == (REPLICAS, 0)


async def test_a_queue_name_of_64_kib_is_refused_in_a_few_words(tmp_path):
    config = with_workers("redis://127.0.0.1:1/0", queues=["q" * 65_536])
    process = DaemonProcess(tmp_path, config)
    await process.launch()
    assert await process.exited() == 2
    assert "fleets[0].queues[0]: must be at most 255 bytes" in process.output
    assert len(process.output) < 1000


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_clock_that_is_set_by_an_hour_lowers_nothing(tmp_path, jump):
    """Of the whole controller, at the clock's own pace: before, during and after the step."""
    hands = {"wall": 1_700_000_000.0, "monotonic": 0.0}
    clock = Clock(lambda: hands["wall"], lambda: hands["monotonic"])
    world = WORLDS["clock"] = World()
    kinds = {"target": "FakeTarget", "broker": "FakeBroker", "workers": "FakeWorkers"}
    fakes = {key: {"kind": f"tests.fakes:{kind}", "world": "clock"} for key, kind in kinds.items()}
    one = {
        **fleet("default", queues=["default"], slots_per_replica=4),
        "target": fakes.pop("target"),
    }
    config = Config.model_validate(
        {"state_directory": str(tmp_path), "sources": fakes, "fleets": [one]}
    )
    controller = Controller(config)
    world.depth = REPLICAS * 4
    desired = []
    for number in range(60):
        if number == 10:
            hands["wall"] += jump
        turn = (await controller.tick(clock.now())).fleets["default"]
        desired.append(turn.decision.desired)
        hands["wall"] += 5
        hands["monotonic"] += 5
    assert clock.anchors == 2, f"the new time is taken over after {STABLE_SECONDS} s"
    assert desired == sorted(desired), "replicas only ever rise"
    assert desired[9] == desired[-1] == REPLICAS
    assert not [what for what, _ in world.said if what == "remove"]
    await controller.aclose()
    del WORLDS["clock"]

"""Source `celery_workers` with real Valkey and real `celery worker` processes."""

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass
from functools import partial

import celery
import pytest
import pytest_asyncio
from pydantic import ValidationError

from autoscaler.errors import ControlError, SourceError
from autoscaler.interfaces import Context
from autoscaler.secret import Secret
from autoscaler.sources.celery_workers import CeleryWorkers, CeleryWorkersOptions
from tests.celery_app import app
from tests.clients.messages import envelope
from tests.servers import CeleryWorker, Valkey, celery_worker, eventually, valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORK, THREADS = "fork@test", "threads@test"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A broker with two workers: of two processes, and of three threads."""

    server: Valkey
    fork: CeleryWorker
    threads: CeleryWorker

    def send(self, queue, *naps):
        with app.connection_for_write(self.server.url) as connection:
            return [
                app.send_task("nap", (seconds, "secret"), connection=connection, queue=queue).id
                for seconds in naps
            ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet():
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(valkey())
        fork = celery_worker(server.url, FORK, queues=["default", "high"], concurrency=2)
        threads = celery_worker(server.url, THREADS, queues=["t"], concurrency=3, pool="threads")
        started = await asyncio.gather(
            stack.enter_async_context(fork), stack.enter_async_context(threads)
        )
        yield Fleet(server, *started)


@contextlib.asynccontextmanager
async def reading(url, **more):
    """The source, watching; `woken` are its reasons for a tick at once."""
    source = CeleryWorkers(CeleryWorkersOptions(url=Secret(url), **more), Context("workers"))
    woken = []
    watching = asyncio.create_task(source.watch(woken.append))
    try:
        yield source, woken
    finally:
        watching.cancel()
        await source.aclose()


def wall():
    return time.time()  # noqa: TID251 - what the daemon's clock would say


async def read(source):
    return (await source.read(wall())).workers


async def test_who_they_are(fleet):
    async with reading(fleet.server.url) as (source, woken):
        await eventually(lambda: len(woken) == 2)
        now = wall()
        state = await source.read(now)
        workers = state.workers
        assert workers.keys() == {FORK, THREADS}
        assert workers[FORK].queues == {"default", "high"}
        assert workers[THREADS].queues == {"t"}
        assert (workers[FORK].slots, workers[THREADS].slots) == (2, 3)
        assert workers[FORK].pid == fleet.fork.pid
        assert workers[FORK].version == celery.__version__
        for worker in workers.values():
            assert worker.empty
            assert worker.answered_at == pytest.approx(now, abs=0.5)
            assert now - 3 < worker.heartbeat_at <= now
            assert not worker.offline
        assert state.at == now
        assert state.duplicates == frozenset()


async def test_what_they_run_and_hold(fleet):
    async with reading(fleet.server.url) as (source, _):
        began = wall()
        ids = fleet.send("default", *[1.0] * 5)

        async def busy():
            worker = (await read(source))[FORK]
            return worker if worker.busy == 2 and worker.reserved == 3 else None

        worker = await eventually(busy)
        assert {task.id for task in worker.active} < set(ids)
        assert {task.name for task in worker.active} == {"nap"}
        assert all(began - 1 < task.started_at <= wall() for task in worker.active)
        assert "secret" not in repr(worker)
        assert worker.idle_since is None

        async def empty():
            return (await read(source))[FORK].empty

        await eventually(empty)


async def test_a_pool_that_grows(fleet):
    async with reading(fleet.server.url) as (source, _):

        async def slots():
            source._roster.resync()
            return (await read(source))[FORK].slots

        async def has(count):
            return await slots() == count

        assert await slots() == 2
        await source._remote.call("pool_grow", {"n": 1}, destination=[FORK])
        await eventually(lambda: has(3))
        await source._remote.call("pool_shrink", {"n": 1}, destination=[FORK])
        await eventually(lambda: has(2))


@pytest.mark.parametrize(("name", "queue"), [(FORK, "default"), (THREADS, "t")])
async def test_one_is_told_to_stop_taking_and_to_take_again(fleet, name, queue):
    async with reading(fleet.server.url) as (source, _), fleet.server.client() as client:
        control = source.control()
        await read(source)
        await control.cancel_consumers(name, [queue])
        assert queue not in (await read(source))[name].queues, "known without asking again"
        state = await control.inspect(name, wall())
        assert queue not in state.queues
        assert state.empty
        done = await client.llen("ledger:finished")
        fleet.send(queue, 0.0)
        await asyncio.sleep(0.3)
        assert await client.llen(queue) == 1
        await control.add_consumers(name, [queue])
        await eventually(lambda: finished(client, done + 1))
        assert queue in (await control.inspect(name, wall())).queues


async def test_nobody_is_told_in_vain(fleet):
    async with reading(fleet.server.url) as (source, _):
        with pytest.raises(ControlError, match="worker nobody@x did not answer active_queues"):
            await source.control().inspect("nobody@x", wall())
        with pytest.raises(ControlError, match="did not answer cancel_consumer"):
            await source.control().cancel_consumers("nobody@x", ["q"])


async def test_a_frozen_worker_costs_one_wait_and_is_kept_as_last_told(fleet):
    async with reading(fleet.server.url) as (source, woken):
        await eventually(lambda: len(woken) == 2)
        before = (await read(source))[THREADS]
        fleet.threads.pause()
        try:
            await read(source)
            began = asyncio.get_running_loop().time()
            for _ in range(5):
                workers = await read(source)
            assert (asyncio.get_running_loop().time() - began) / 5 < 0.5
            silent = workers[THREADS]
            assert silent.answered_at == pytest.approx(before.answered_at, abs=0.1)
            assert (silent.queues, silent.slots, silent.empty) == ({"t"}, 3, True)
            assert wall() - workers[FORK].answered_at < 0.5
            with pytest.raises(ControlError, match="did not answer"):
                await source.control().inspect(THREADS, wall())
        finally:
            fleet.threads.resume()

        async def answers():
            return wall() - (await read(source))[THREADS].answered_at < 0.5

        await eventually(answers)
        assert (await source.control().inspect(THREADS, wall())).empty


async def test_a_broker_outage_is_told_and_survived():
    beat = envelope({"hostname": "a@x", "type": "worker-heartbeat", "pid": 7}, headers={})
    async with valkey() as server, reading(server.url) as (source, woken):
        assert await read(source) == {}
        await server.kill()
        with pytest.raises(SourceError, match="cannot be reached"):
            await source.read(wall())
        await server.start()
        assert await read(source) == {}
        async with server.client() as client:
            heard = partial(client.publish, "/0.celeryev/worker.heartbeat", beat)
            await eventually(heard, "the events are heard again")
        await eventually(lambda: woken)
        assert (await read(source))["a@x"].pid == 7


async def test_a_worker_that_comes_and_goes_offline_before_its_task_ends(fleet):
    async with reading(fleet.server.url) as (source, woken):
        await read(source)
        async with celery_worker(fleet.server.url, "new@test", queues=["n"]) as new:
            await eventually(lambda: "worker new@test is online" in woken)

            async def tells(**facts):
                worker = (await read(source))["new@test"]
                return all(getattr(worker, name) == value for name, value in facts.items())

            await eventually(partial(tells, slots=1, queues={"n"}, offline=False), "its answer")
            fleet.send("n", 2.0)
            await eventually(partial(tells, busy=1))
            new.signal(signal.SIGTERM)
            await eventually(lambda: "worker new@test goes offline" in woken)
            assert new.running
            worker = (await read(source))["new@test"]
            assert (worker.offline, worker.busy) == (True, 1), "as it last told: its task runs"
            assert await new.exited() == 0


@pytest.mark.full
async def test_a_worker_that_is_killed_is_not_waited_for(fleet):
    async with reading(fleet.server.url) as (source, woken):
        async with celery_worker(fleet.server.url, "doomed@test", pool="solo", queues=["d"]) as one:
            await eventually(lambda: "worker doomed@test is online" in woken)

            async def told():
                return (await read(source))["doomed@test"].queues == {"d"}

            await eventually(told, "its answer")
            await one.kill()
        began = asyncio.get_running_loop().time()
        killed = (await read(source))["doomed@test"]
        assert asyncio.get_running_loop().time() - began < 0.5, "it no longer listens"
        assert (killed.offline, killed.queues) == (False, {"d"}), "nobody said so"


@pytest.mark.full
async def test_two_workers_of_one_name(fleet):
    async with reading(fleet.server.url) as (source, _):
        twin = {"pool": "solo", "queues": ["twin"]}
        async with (
            celery_worker(fleet.server.url, "twin@test", **twin),
            celery_worker(fleet.server.url, "twin@test", **twin),
        ):

            async def found_out():
                return "twin@test" in (await source.read(wall())).duplicates

            await eventually(found_out)
            with pytest.raises(ControlError, match="two workers are called twin@test"):
                await source.control().inspect("twin@test", wall())


@pytest.mark.full
async def test_a_key_prefix_and_another_database():
    async with valkey() as server:
        url = server.database(3)
        env = {"CELERY_APP_KEY_PREFIX": "app:"}
        async with (
            celery_worker(url, "p@test", env=env, pool="solo"),
            reading(url, key_prefix="app:") as (source, woken),
        ):
            await eventually(lambda: woken)
            assert (await read(source))["p@test"].slots == 1


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"url": "http://host"}, "is no address of a Redis broker"),
        ({"url": "redis://host/x"}, "database is not a number"),
        ({"url": "redis://host", "timeout_seconds": 0}, "timeout_seconds"),
        ({"url": "redis://host", "silent_after": 1}, "silent_after"),
    ],
)
async def test_broken_options(broken, said):
    with pytest.raises(ValidationError, match=said):
        CeleryWorkersOptions(**broken)


async def test_amqp_has_its_own_remote_control():
    options = CeleryWorkersOptions(url="amqp://guest:guest@127.0.0.1:1//")
    source = CeleryWorkers(options, Context("workers"))
    try:
        assert type(source._remote).__name__ == "AmqpRemoteControl"
        with pytest.raises(SourceError):
            await source.read(wall())
    finally:
        await source.aclose()


async def finished(client, count):
    return await client.llen("ledger:finished") >= count

"""Remote control and events over a real RabbitMQ, with real Celery workers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator

import amqp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from autoscaler.clients.amqp.thread import AmqpThread
from autoscaler.clients.celery import over_amqp as module
from autoscaler.clients.celery.over_amqp import AmqpRemoteControl
from autoscaler.clients.celery.remote import WorkerEvent, WorkerEventKind
from autoscaler.errors import ControlError
from autoscaler.secret import Secret
from tests.servers import CeleryWorker, celery_worker, eventually, free_port, valkey
from tests.services import RabbitMQ, rabbitmq

pytestmark = [pytest.mark.full, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[RabbitMQ]:
    async with rabbitmq() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(server) -> AsyncIterator[CeleryWorker]:
    """Worker w1@test, whose broker is the virtual host `workers`."""
    url = await server.virtual_host("workers")
    async with valkey() as ledger, celery_worker(url, env=ledger_at(ledger.url)) as worker:
        yield worker


def ledger_at(url: str) -> dict[str, str]:
    return {"CELERY_APP_LEDGER_URL": url}


@contextlib.asynccontextmanager
async def control_of(url: str, timeout_seconds: float = 5) -> AsyncIterator[AmqpRemoteControl]:
    control = AmqpRemoteControl(Secret(url), timeout_seconds)
    try:
        yield control
    finally:
        await control.aclose()
    await eventually(lambda: "amqp" not in {thread.name for thread in threading.enumerate()})


@pytest_asyncio.fixture(loop_scope="module")
async def control(server, worker) -> AsyncIterator[AmqpRemoteControl]:
    async with control_of(server.address("workers")) as control:
        yield control


async def timed(call) -> tuple[float, object]:
    started = asyncio.get_running_loop().time()
    result = await call
    return asyncio.get_running_loop().time() - started, result


async def test_a_destination_or_those_expected_end_the_wait(control):
    pong = {"w1@test": {"ok": "pong"}}
    await control.call("ping", destination=["w1@test"], timeout_seconds=10)
    took, replies = await timed(control.call("ping", destination=["w1@test"], timeout_seconds=10))
    assert (took < 2, replies) == (True, pong)
    took, replies = await timed(control.call("ping", expected=["w1@test"], timeout_seconds=10))
    assert (took < 2, replies) == (True, pong)


async def test_without_either_the_time_is_waited_out(control):
    took, replies = await timed(control.call("ping", timeout_seconds=0.3))
    assert took >= 0.3
    assert replies == {"w1@test": {"ok": "pong"}}


async def test_nobody_is_asked_or_nobody_answers(control):
    assert await control.call("ping", destination=[], timeout_seconds=10) == {}
    took, replies = await timed(control.call("ping", destination=["gone@x"], timeout_seconds=0.3))
    assert took >= 0.3
    assert replies == {}


async def test_calls_do_not_wait_for_each_other(control):
    async def ask(names: list[str]) -> object:
        return await control.call("ping", destination=names, timeout_seconds=1.5)

    await ask(["w1@test"])
    slow = asyncio.create_task(ask(["gone@x"]))
    took, results = await timed(asyncio.gather(*(ask(["w1@test"]) for _ in range(20))))
    assert took < 1
    assert results == [{"w1@test": {"ok": "pong"}}] * 20
    assert not slow.done()
    assert await slow == {}


async def test_a_worker_stops_and_resumes_consuming(control):
    async def consumes() -> bool:
        replies = await control.call("active_queues", destination=["w1@test"], timeout_seconds=5)
        return [queue["name"] for queue in replies["w1@test"]] == ["default"]

    async def consumes_not() -> bool:
        return not await consumes()

    async def tell(method: str) -> object:
        told = await control.call(
            method, {"queue": "default"}, destination=["w1@test"], timeout_seconds=5
        )
        return "ok" in told["w1@test"]

    assert await consumes()
    assert await tell("cancel_consumer")
    await eventually(consumes_not, "the worker to let go of its queue")
    assert await tell("add_consumer")
    await eventually(consumes, "the worker to take up its queue")


async def test_events_come_as_they_are_sent(control):
    seen: list[WorkerEvent] = []
    async for event in control.events():
        seen.append(event)
        if len(seen) == 2:
            break
    assert [event.kind for event in seen] == [WorkerEventKind.HEARTBEAT] * 2
    assert {event.worker for event in seen} == {"w1@test"}
    assert all(event.pid and event.version and event.active == 0 for event in seen)


async def test_two_readers_hear_the_same(control):
    async def first() -> WorkerEvent:
        async for event in control.events():
            return event
        raise AssertionError

    one, two = await asyncio.gather(first(), first())
    assert one == two


async def exhaust(reader: AsyncIterator[WorkerEvent]) -> None:
    async for _ in reader:
        pass


async def test_a_lost_connection_ends_the_events_and_is_opened_anew(server, worker, control):
    reader = control.events()
    await anext(reader)
    waiting = asyncio.create_task(control.call("ping", destination=["x"], timeout_seconds=30))
    await eventually(server.connections, "the connections to be listed", 20, 0.2)

    async def cut() -> bool:
        await server.close_connections()
        return waiting.done()

    await eventually(cut, "the end of the call", 20, 0.5)
    with pytest.raises(ControlError, match="the broker ended the connection"):
        await waiting
    with pytest.raises(ControlError, match="the broker ended the connection"):
        await exhaust(reader)

    async def heard() -> bool:
        with contextlib.suppress(ControlError):
            return bool(await control.call("ping", destination=["w1@test"], timeout_seconds=2))
        return False

    assert await eventually(heard, "the worker over a new connection", 30)
    async for event in control.events():
        assert event.worker == "w1@test"
        break


async def test_a_worker_that_hangs_or_stops_falls_silent(server):
    url = await server.virtual_host("silent")
    async with valkey() as ledger, control_of(url) as control:
        async with celery_worker(url, env=ledger_at(ledger.url)) as worker:
            assert await control.call("ping", destination=["w1@test"], timeout_seconds=5)
            worker.pause()
            assert await control.call("ping", destination=["w1@test"], timeout_seconds=0.3) == {}
            worker.resume()
            events = control.events()
            await anext(events)
            await worker.terminate()
            while (await anext(events)).kind is not WorkerEventKind.OFFLINE:
                pass
        assert await control.call("ping", timeout_seconds=0.2) == {}


async def test_a_broker_that_hangs_is_an_error_in_time(server, worker):
    url = server.address("workers")
    async with control_of(url, 0.5) as control, control_of(url, 0.5) as fresh:
        await control.call("ping", destination=["w1@test"], timeout_seconds=5)
        reader = control.events()
        await anext(reader)
        server.pause()
        try:
            for one in (control, fresh):
                took, (error,) = await timed(
                    asyncio.gather(one.call("ping", timeout_seconds=0.2), return_exceptions=True)
                )
                assert took < 2
                assert isinstance(error, ControlError)
            with pytest.raises(ControlError, match="no answer in time"):
                await exhaust(reader)
        finally:
            server.resume()


async def test_messages_that_nobody_expects_do_no_harm(server, control):
    def disturb() -> None:
        asker = control._asker
        host, virtual_host = f"127.0.0.1:{server.port}", "workers"
        with amqp.Connection(host, virtual_host=virtual_host) as connection:
            channel = connection.channel()
            for body in ("", "{", "[" * 100_000, "7", json.dumps({"type": "worker-heartbeat"})):
                for queue in (f"celeryev.{asker}", f"{asker}.reply.celery.pidbox"):
                    channel.basic_publish(amqp.Message(body), routing_key=queue)

    reader = control.events()
    await anext(reader)
    await asyncio.to_thread(disturb)
    assert (await anext(reader)).worker == "w1@test"
    assert await control.call("ping", destination=["w1@test"], timeout_seconds=5)


async def test_a_bug_in_the_thread_is_loud(server):
    thread = AmqpThread(Secret(server.url), 5, ControlError)
    with capture_logs() as log, pytest.raises(ControlError, match="a bug: ZeroDivisionError"):
        await thread.run(lambda _: 1 / 0)
    assert [line["event"] for line in log] == ["amqp thread failed"]
    assert await thread.run(lambda channel: channel.is_open)
    await thread.aclose()


async def test_a_reader_that_falls_behind_is_told():
    stream = module._Stream()
    event = WorkerEvent(WorkerEventKind.HEARTBEAT, "w1@test")
    for _ in range(module.MOST_EVENTS + 2):
        stream.put(event)
    for _ in range(module.MOST_EVENTS):
        assert await stream.next() == event
    with pytest.raises(ControlError, match="not read in time"):
        await stream.next()


async def test_no_broker():
    async with control_of(f"amqp://ann:s3cret@127.0.0.1:{free_port()}/x") as control:
        with pytest.raises(ControlError, match="no connection") as caught:
            await control.call("ping")
        with pytest.raises(ControlError, match="no connection"):
            await anext(control.events())
    assert "s3cret" not in str(caught.value)

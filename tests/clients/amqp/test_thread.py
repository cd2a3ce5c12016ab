"""The AMQP thread without a broker: it ends, it tells why, and it holds nothing up."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from autoscaler.clients.amqp.session import MOST_JOBS
from autoscaler.clients.amqp.thread import MOST_CALLS, AmqpThread
from autoscaler.errors import ControlError
from autoscaler.secret import Secret
from tests.servers import eventually, free_port


def threads() -> int:
    return sum(thread.name == "amqp" for thread in threading.enumerate())


@pytest.fixture
def deaf():
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"amqp://127.0.0.1:{server.getsockname()[1]}"


async def test_every_server_that_is_down_is_named():
    lost: list[str] = []
    one, two = free_port(), free_port()
    url = f"amqp://ann:s3cret@127.0.0.1:{one}/;amqp://127.0.0.1:{two}/x"
    thread = AmqpThread(Secret(url), 5, ControlError, lost=lost.append)
    with pytest.raises(ControlError) as caught:
        await thread.run(lambda _: None)
    told = str(caught.value)
    assert told.startswith(f"amqp://127.0.0.1:{one}/: no connection: ")
    assert f"; amqp://127.0.0.1:{two}/x: no connection: " in told
    assert "s3cret" not in told
    await eventually(lambda: lost == [told])
    await thread.aclose()
    await eventually(lambda: threads() == 0)


async def test_work_is_not_begun_once_its_time_is_over(deaf):
    begun: list[str] = []
    thread = AmqpThread(Secret(deaf), 0.3, ControlError)
    started = asyncio.get_running_loop().time()
    with pytest.raises(ControlError, match=r"within 0.3 s|in time"):
        await thread.run(lambda _: begun.append("too late"))
    assert asyncio.get_running_loop().time() - started < 1
    await thread.aclose()
    await thread.aclose()
    await eventually(lambda: threads() == 0)
    assert begun == []


async def test_requests_that_wait_are_bounded(deaf):
    thread = AmqpThread(Secret(deaf), 1, ControlError)
    waiting = [asyncio.create_task(thread.run(lambda _: None)) for _ in range(MOST_JOBS + 1)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, ControlError) for result in results)
    assert [str(result) for result in results].count("1000 requests wait already") == 1
    await thread.aclose()


async def test_messages_that_wait_are_bounded():
    taken: list[int] = []
    thread = AmqpThread(Secret("amqp://127.0.0.1:1"), 1, ControlError)
    for number in range(MOST_CALLS):
        thread.call_soon(taken.append, number)
    with pytest.raises(ConnectionError, match="not taken in time"):
        thread.call_soon(taken.append, -1)
    assert taken == []


async def test_a_secret_that_cannot_be_read(tmp_path):
    thread = AmqpThread(Secret(str(tmp_path / "url"), "file"), 1, ControlError)
    with pytest.raises(ControlError, match="is not a regular file"):
        await thread.run(lambda _: None)
    assert threads() == 0

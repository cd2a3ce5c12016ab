"""The RabbitMQ source: over its management API, by passive declare, and on the real thing."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from autoscaler.model import BrokerState, QueueState
from autoscaler.secret import Secret
from autoscaler.sources.rabbitmq_broker import RabbitmqBroker, RabbitmqBrokerOptions
from tests.http_server import http_server
from tests.servers import eventually, free_port
from tests.sources.rabbitmq_scene import NOW, read, source_of, why_not

A = {"name": "a", "messages_ready": 7, "messages_unacknowledged": 2, "consumers": 1}
B = {"name": "b", "messages_ready": 0, "messages_unacknowledged": 0, "consumers": 0}
NODE = {"name": "rabbit@one", "mem_alarm": False, "disk_free_alarm": False, "partitions": []}


@pytest.fixture
async def api():
    """A management API: what it lists is in `queues` and `nodes`."""
    async with http_server() as server:
        server.queues, server.nodes = [A, B], [NODE]

        def answer(request: web.BaseRequest) -> web.Response:
            listed = server.queues if request.path.startswith("/api/queues") else server.nodes
            return listed if isinstance(listed, web.Response) else web.json_response(listed)

        server.answer = answer
        yield server


def managed(api: Any, url: str = "amqp://ann:s3cret@127.0.0.1//", **options: Any) -> RabbitmqBroker:
    return source_of(url, **{"management_url": Secret(api.url), **options})


async def test_the_management_api_tells_all(api):
    state = await read(managed(api))
    assert state == BrokerState(
        NOW,
        {"a": QueueState("a", 7, 2, 1), "b": QueueState("b", 0, 0, 0)},
        unacked_tasks=2,
    )
    paths = {request.rel_url.raw_path for request in api.requests}
    assert paths == {"/api/queues/%2F", "/api/nodes"}
    assert all("name" in request.query["columns"] for request in api.requests)
    logins = {request.headers["Authorization"] for request in api.requests}
    assert logins == {"Basic YW5uOnMzY3JldA=="}


async def test_a_login_virtual_host_and_queues_of_its_own(api):
    own = Secret(api.url.replace("://", "://bob:pw@") + "/prefix/")
    api.answer = lambda _: web.json_response([A])
    source = managed(api, "amqp://h/x", management_url=own, vhost="y/z", queues=("a",))
    assert (await read(source)).queues.keys() == {"a"}
    assert {request.rel_url.raw_path for request in api.requests} == {
        "/prefix/api/queues/y%2Fz",
        "/prefix/api/nodes",
    }
    assert {r.headers["Authorization"] for r in api.requests} == {"Basic Ym9iOnB3"}


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"name": "other"}, "there is no such queue"),
        ({"name": "b"}, "statistics do not tell its depth"),
        ({**B, "messages_ready": None}, "statistics do not tell its depth"),
        ({**B, "messages_ready": -1}, "statistics do not tell its depth"),
        ({**B, "messages_ready": True}, "statistics do not tell its depth"),
        ({**B, "messages_ready": 10**400}, "statistics do not tell its depth"),
        ({**B, "messages_ready": "0"}, "statistics do not tell its depth"),
        ({**B, "state": "down"}, "the queue is down"),
    ],
)
async def test_what_is_not_told_is_not_zero(api, record, why):
    api.queues = [A, record]
    state = await read(managed(api))
    assert state.queues.keys() == {"a"}
    assert why in state.unreadable["b"]
    assert state.unacked_tasks is None


async def test_what_is_told_in_part(api):
    api.queues = [{"name": "a", "messages_ready": 7}, {**B, "messages_ready": 3, "state": "idle"}]
    state = await read(managed(api))
    assert state.queues["a"] == QueueState("a", 7)
    assert state.unacked_tasks is None


@pytest.mark.parametrize(
    ("head", "ready", "age"),
    [(NOW - 60, 7, 60.0), (NOW + 1, 7, 0.0), (NOW - 60, 0, None), ("", 7, None), (None, 7, None)],
)
async def test_ages_come_from_the_producers_timestamps(api, head, ready, age):
    stamp = int(head) if isinstance(head, float) else head
    api.queues = [{**A, "messages_ready": ready, "head_message_timestamp": stamp}, B]
    assert (await read(managed(api))).queues["a"].oldest_age_seconds == age


@pytest.mark.parametrize(
    ("node", "alarm"),
    [
        ({**NODE, "mem_alarm": True}, "memory alarm on rabbit@one"),
        ({**NODE, "disk_free_alarm": True}, "disk alarm on rabbit@one"),
        ({**NODE, "partitions": ["rabbit@two"]}, "rabbit@one is partitioned"),
    ],
)
async def test_blocked_publishers_make_a_depth_no_ground_to_lower_anything(api, node, alarm):
    api.nodes = [NODE, node]
    state = await read(managed(api))
    assert state.queues["a"].waiting == 7
    assert state.unreadable.keys() == {"a", "b"}
    assert alarm in state.unreadable["a"]


async def test_a_user_who_may_not_ask_for_alarms(api):
    api.nodes = web.json_response({"error": "not_authorised"}, status=401)
    assert (await read(managed(api))).unreadable == {}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (web.Response(text="<html>log in</html>"), "JSON"),
        (web.Response(text='[{"name": "a"'), "JSON"),
        (web.Response(text="[" * 100_000), "JSON"),
        (web.json_response({"error": "x"}), "JSON"),
        (web.json_response(["a"]), "JSON"),
        (web.Response(status=401), "answered 401: check the credentials"),
        (web.Response(status=403), "answered 403: check the credentials"),
        (web.Response(status=404), "answered 404: check the path"),
        (web.Response(status=429), "answered 429"),
        (web.Response(status=503), "answered 503"),
        (web.json_response([]), "queue a: there is no such queue"),
    ],
)
async def test_answers_that_tell_nothing(api, answer, why):
    api.queues = answer
    assert why in await why_not(managed(api))


async def test_an_api_that_hangs_or_breaks_off(api):
    api.before = lambda _: asyncio.sleep(5)
    assert "no whole answer within 0.1 s" in await why_not(managed(api, timeout_seconds=0.1))
    api.before = lambda _: None
    api.breaks_off()
    assert "no answer" in await why_not(managed(api))


async def test_a_secret_that_is_gone(api, tmp_path):
    file = tmp_path / "url"
    file.write_text(api.url)
    source = managed(api, management_url=Secret(str(file), "file"))
    file.unlink()
    assert "is not a regular file" in await why_not(source)


@pytest.mark.parametrize("url", ["redis://h/0", "ht!tp", "", "amqp://h:port/"])
def test_urls_that_are_none(url):
    with pytest.raises(ValidationError):
        RabbitmqBrokerOptions(url=Secret(url))


async def test_a_broker_that_is_down():
    why = await why_not(source_of(f"amqp://ann:s3cret@127.0.0.1:{free_port()}/v"))
    assert "no connection" in why
    assert "/v: " in why


async def test_a_broker_that_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        source = source_of(f"amqp://127.0.0.1:{port}", timeout_seconds=0.2)
        assert "in time" in (why := await why_not(source)) or "within 0.2 s" in why
    await eventually(lambda: "amqp" not in {thread.name for thread in threading.enumerate()})


async def test_something_that_is_no_broker(api):
    port = api.url.rpartition(":")[2]
    assert await why_not(source_of(f"amqp://127.0.0.1:{port}", timeout_seconds=1))
    assert await why_not(source_of(f"amqps://127.0.0.1:{port}", timeout_seconds=1))

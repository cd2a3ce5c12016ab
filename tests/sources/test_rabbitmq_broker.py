"""The RabbitMQ source: over its management API, by passive declare, and on the real thing."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import amqp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import ValidationError

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import BrokerState, Fleet, QueueState
from autoscaler.secret import Secret
from autoscaler.sources.rabbitmq_broker import RabbitmqBroker
from tests.http_server import http_server
from tests.servers import CERTIFICATE, eventually, free_port, tls_front
from tests.services import rabbitmq

NOW = 1_000_000.0
FLEETS = (Fleet("one", queues=("a", "b")),)
A = {"name": "a", "messages_ready": 7, "messages_unacknowledged": 2, "consumers": 1}
B = {"name": "b", "messages_ready": 0, "messages_unacknowledged": 0, "consumers": 0}
NODE = {"name": "rabbit@one", "mem_alarm": False, "disk_free_alarm": False, "partitions": []}


def source_of(url: str, **options: Any) -> RabbitmqBroker:
    checked = RabbitmqBroker.Options(url=Secret(url), **options)
    return RabbitmqBroker(checked, Context("broker", fleets=FLEETS))


async def read(source: RabbitmqBroker) -> BrokerState:
    try:
        return await source.read(NOW)
    finally:
        await source.aclose()


async def why_not(source: RabbitmqBroker) -> str:
    with pytest.raises(SourceError) as caught:
        await read(source)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


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
        RabbitmqBroker.Options(url=Secret(url))


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server():
    async with rabbitmq() as server:
        yield server


real = [pytest.mark.full, pytest.mark.asyncio(loop_scope="module")]


def fill(url: str) -> amqp.Connection:
    """Three messages in `a`; a consumer of `b`, which goes when the connection is closed."""
    host, _, virtual_host = url.partition("@")[2].partition("/")
    connection = amqp.Connection(host, virtual_host=virtual_host)
    connection.connect()
    channel = connection.channel()
    for name in ("a", "b"):
        channel.queue_declare(name, durable=True, auto_delete=False)
    for _ in range(3):
        channel.basic_publish(amqp.Message("x"), routing_key="a")
    channel.basic_consume("b")
    return connection


class TestRealBroker:
    pytestmark = real

    async def test_passive_declare(self, server):
        url = await server.virtual_host("declare")
        source = source_of(url)
        with pytest.raises(SourceError, match="queue a: there is no such queue"):
            await source.read(NOW)
        with await asyncio.to_thread(fill, url):
            state = await source.read(NOW)
        assert state.queues["a"] == QueueState("a", 3, consumers=0)
        assert state.queues["b"] == QueueState("b", 0, consumers=1)
        await source.aclose()

    async def test_queues_that_cannot_be_declared(self, server):
        with await asyncio.to_thread(fill, await server.virtual_host("partly")) as owner:
            owner.channel().queue_declare("mine", exclusive=True)
            names = ("a", "missing", "mine", "b")
            state = await read(source_of(server.url, vhost="partly", queues=names))
        assert state.queues.keys() == {"a", "b"}
        assert state.unreadable.keys() == {"missing", "mine"}
        assert state.unreadable["missing"].startswith("there is no such queue")
        assert state.unreadable["mine"].startswith("it may not be read: RESOURCE_LOCKED")

    async def test_the_management_api(self, server):
        url = await server.virtual_host("managed")
        (await asyncio.to_thread(fill, url)).close()
        source = source_of(url, management_url=Secret(server.management_url))

        async def told() -> BrokerState | None:
            try:
                state = await source.read(NOW)
            except SourceError:
                return None
            known = state.queues.get("a")
            return state if known and known.waiting == 3 and not state.unreadable else None

        state = await eventually(told, "statistics", timeout_seconds=20, every_seconds=0.2)
        await source.aclose()
        assert isinstance(state, BrokerState)
        assert state.queues["a"] == QueueState("a", 3, unacked=0, consumers=0)
        assert state.unacked_tasks == 0

    async def test_a_memory_alarm(self, server):
        url = await server.virtual_host("alarmed")
        (await asyncio.to_thread(fill, url)).close()
        source = source_of(url, management_url=Secret(server.management_url))

        async def reasons() -> str:
            try:
                state = await source.read(NOW)
            except SourceError:
                return ""
            return state.unreadable.get("a", "")

        async def alarmed() -> bool:
            return "memory alarm" in await reasons()

        await server.control("set_vm_memory_high_watermark", "0.00001")
        await eventually(alarmed, "the alarm", timeout_seconds=20, every_seconds=0.2)
        await server.control("set_vm_memory_high_watermark", "0.4")

        async def calm() -> bool:
            return not await alarmed()

        assert await eventually(calm, "its end", timeout_seconds=20, every_seconds=0.2)
        await source.aclose()

    async def test_a_connection_that_is_cut_off_is_opened_anew(self, server):
        url = await server.virtual_host("cut")
        (await asyncio.to_thread(fill, url)).close()
        source = source_of(url)
        assert (await source.read(NOW)).queues["a"].waiting == 3
        await eventually(server.connections, "the connection to be listed", 20, 0.2)
        await server.close_connections()

        async def read_again() -> bool:
            try:
                return (await source.read(NOW)).queues["a"].waiting == 3
            except SourceError:
                return False

        assert await eventually(read_again, "a new connection")
        await source.aclose()

    async def test_a_broker_that_hangs(self, server):
        url = await server.virtual_host("hanging")
        (await asyncio.to_thread(fill, url)).close()
        source = source_of(url, timeout_seconds=0.5)
        await source.read(NOW)
        server.pause()
        try:
            with pytest.raises(SourceError, match=r"in time|within"):
                await source.read(NOW)
        finally:
            server.resume()
        await source.aclose()

    async def test_refusals(self, server):
        def refused(url: str) -> RabbitmqBroker:
            return source_of(url, timeout_seconds=5)

        assert "check the user" in await why_not(refused(server.address("/", "guest:s3cret")))
        assert "check that the virtual host" in await why_not(refused(server.address("none")))

    async def test_tls_verifies_the_certificate(self, server):
        (await asyncio.to_thread(fill, await server.virtual_host("tls"))).close()
        async with tls_front(server.port) as port:
            url = f"amqps://localhost:{port}/tls"
            assert "no TLS connection that can be trusted" in await why_not(source_of(url))
            trusted = await read(source_of(f"{url}?ssl_ca_certs={CERTIFICATE}"))
            other = source_of(f"amqps://127.0.0.1:{port}/tls?ssl_cert_reqs=none")
            assert trusted.queues["a"].waiting == (await read(other)).queues["a"].waiting == 3

    async def test_the_second_server_is_tried(self, server):
        url = await server.virtual_host("second")
        (await asyncio.to_thread(fill, url)).close()
        state = await read(source_of(f"amqp://127.0.0.1:{free_port()}/;{url}"))
        assert state.queues["a"].waiting == 3

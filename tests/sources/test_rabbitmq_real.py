"""rabbitmq_broker over a real RabbitMQ."""

from __future__ import annotations

import asyncio

import amqp
import pytest
import pytest_asyncio

from autoscaler.errors import SourceError
from autoscaler.model import BrokerState, QueueState
from autoscaler.secret import Secret
from autoscaler.sources.rabbitmq_broker import RabbitmqBroker
from tests.servers import CERTIFICATE, eventually, free_port, tls_front
from tests.services import rabbitmq
from tests.sources.rabbitmq_scene import NOW, read, source_of, why_not


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

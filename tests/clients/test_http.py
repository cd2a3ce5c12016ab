"""The HTTP client: bounded, and careful with credentials."""

from __future__ import annotations

import asyncio

import pytest

from autoscaler.clients.http import HttpClient, Reply
from autoscaler.errors import SourceError
from tests.http_server import http_server
from tests.servers import free_port, tls_front


@pytest.fixture
async def client():
    client = HttpClient(timeout_seconds=2, failure=SourceError, max_body_bytes=1_000)
    yield client
    await client.aclose()
    await client.aclose()


@pytest.fixture
async def server():
    async with http_server() as server:
        yield server


async def failure(client: HttpClient, url: str, **more: object) -> str:
    with pytest.raises(SourceError) as caught:
        await client.request("GET", url, **more)
    return str(caught.value)


async def test_a_request_and_its_reply(client, server):
    server.answers("pong", status=201)
    reply = await client.request(
        "POST", f"{server.url}/ping", params={"a": "b c"}, headers={"X-Who": "me"}, json=[1]
    )
    assert reply == Reply(201, b"pong")
    assert reply.ok
    (request,) = server.requests
    assert (request.method, request.path_qs) == ("POST", "/ping?a=b+c")
    assert request.headers["X-Who"] == "me"
    assert request.headers["Accept-Encoding"] == "identity"
    assert server.bodies == [b"[1]"]


async def test_logins(client, server):
    with_login = server.url.replace("://", "://ann:p%40ss@")
    await client.request("GET", with_login, login=("bob", "other"))
    await client.request("GET", server.url, login=("bob", "pässword"))
    await client.request("GET", server.url)
    headers = [request.headers.get("Authorization") for request in server.requests]
    assert headers == ["Basic YW5uOnBAc3M=", "Basic Ym9iOnDDpHNzd29yZA==", None]


async def test_a_redirect_is_not_followed(client, server):
    server.answers("", status=302, headers={"Location": f"{server.url}/elsewhere"})
    reply = await client.request("GET", server.url, login=("bob", "secret"))
    assert (reply.status, reply.ok, len(server.requests)) == (302, False, 1)
    assert "write the final URL" in reply.refusal


async def test_cookies_are_not_kept(client, server):
    server.answers("", headers={"Set-Cookie": "session=1"})
    await client.request("GET", server.url)
    await client.request("GET", server.url)
    assert "Cookie" not in server.requests[1].headers


async def test_a_body_that_is_too_large_or_broken_off(client, server):
    server.answers(b"x" * 1_001)
    assert await failure(client, server.url) == "the answer is larger than 1000 bytes"
    server.breaks_off()
    assert (await failure(client, server.url)).startswith("no answer: ")


async def test_a_server_that_hangs(server):
    client = HttpClient(0.05, SourceError)
    server.before = lambda _: asyncio.sleep(5)
    assert await failure(client, server.url) == "no whole answer within 0.05 s"
    await client.aclose()


async def test_no_server(client):
    told = await failure(client, f"http://127.0.0.1:{free_port()}/")
    assert told.startswith("no answer: Cannot connect to host 127.0.0.1")


@pytest.mark.parametrize(
    "url", ["http://ann:secret@[half/", "ftp://ann:secret@127.0.0.1/", "secret", "http:///secret"]
)
async def test_a_malformed_url_is_not_shown(client, url):
    assert await failure(client, url) == "the URL or a header in the config is malformed"


async def test_a_malformed_header_is_not_shown(client, server):
    told = await failure(client, server.url, headers={"X-Token": "secret\r\nHost: other"})
    assert told == "the URL or a header in the config is malformed"
    assert server.requests == []


async def test_a_certificate_that_nobody_signed(client, server):
    port = int(server.url.rpartition(":")[2])
    async with tls_front(port) as front:
        told = await failure(client, f"https://127.0.0.1:{front}/")
    assert told.startswith("no TLS connection that can be trusted: ")
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "does not accept"),
        (401, "credentials"),
        (403, "credentials"),
        (404, "path"),
        (429, "too often"),
        (500, "its log"),
        (503, "its log"),
    ],
)
def test_what_a_refusal_means(status, hint):
    reply = Reply(status, b"")
    assert not reply.ok
    assert f"answered {status}: " in reply.refusal
    assert hint in reply.refusal

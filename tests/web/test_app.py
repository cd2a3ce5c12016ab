"""The server as the outside meets it: problems, headers, limits, and clients that misbehave."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autoscaler.errors import ConfigError
from autoscaler.model import Finding, Severity
from autoscaler.secret import Secret
from autoscaler.web.app import serving
from autoscaler.web.routes import ROUTES
from tests.records import seen
from tests.ticks import tick, turn
from tests.web.serving import TOKEN, Api, running

CANARY = "canary-9f2c"


async def test_what_does_not_exist_is_a_problem(api: Api) -> None:
    for path in ("/", "/api/v2/fleets", "/api/v1/fleets/default/nothing"):
        answer = await api.get(path)
        assert answer.status == 404
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.document["hint"] == "GET /api/v1/openapi.json lists every path"


async def test_a_wrong_method_says_which_are_right(api: Api) -> None:
    answer = await api.ask("DELETE", "/api/v1/fleets/default/pause")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.document["hint"] == "allowed here: POST"


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/api/v1/fleets", "/nothing"])
async def test_browsers_may_not_embed_cache_or_read_it_elsewhere(api: Api, path: str) -> None:
    headers = (await api.get(path, headers={"Origin": "https://elsewhere.example"})).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "autoscaler"
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_bug_is_logged_and_not_shown(api: Api) -> None:
    api.backend.now = lambda: float("not a number")
    with capture_logs() as log:
        answer = await api.get("/api/v1/fleets")
    assert answer.status == 500
    assert answer.document["detail"] == "a bug; the log has it"
    assert (log[0]["event"], log[0]["where"]) == ("bug", "GET /api/v1/fleets")
    assert (await api.get("/healthz")).status == 200


async def test_headers_are_bounded(api: Api) -> None:
    assert (await api.get("/healthz", headers={"X-Long": "x" * 9_000})).status == 400
    many = {f"X-{n}": "x" for n in range(200)}
    assert (await api.get("/healthz", headers=many)).status == 400
    assert (await api.get("/healthz?" + "x" * 9_000)).status == 400


async def test_half_open_clients_delay_nobody(api: Api) -> None:
    opened = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(200)]
    try:
        for _, writer in opened:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(2):
            assert (await api.get("/healthz")).status == 200
    finally:
        for _, writer in opened:
            writer.close()


async def test_a_taken_port_is_told_as_a_config_fault(api: Api, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:\d+: .*choose another"):
        async with serving(api.backend, "127.0.0.1", api.port):
            pass


async def test_it_listens_on_ipv6_as_well(api: Api) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with serving(api.backend, "::1", 0) as port:
        reader, writer = await asyncio.open_connection("::1", port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        writer.close()


async def test_no_secret_leaves_by_any_route(tmp_path: Path) -> None:
    fault = {"broker": f"cannot reach redis://user:{CANARY}@broker/0"}
    finding = Finding(
        "source_down",
        Severity.CRITICAL,
        f"broker is down: {fault['broker']}",
        evidence={"password": CANARY, "url": f"amqp://{CANARY}@broker"},
    )
    made = turn(3, snapshot=seen(missing=fault), error=fault["broker"])
    async with running(tmp_path, Secret(CANARY)) as api:
        api.observe(tick(made, missing=fault, findings=(finding,), bugs={"x": fault["broker"]}))
        for route in ROUTES:
            path = route.path.format(name="default")
            for token in (CANARY, TOKEN):
                headers = {"Authorization": f"Bearer {token}"}
                answer = await api.ask(route.method, path, headers=headers)
                assert CANARY not in answer.text
                assert CANARY not in str(answer.headers)
    assert CANARY not in repr(api.backend)

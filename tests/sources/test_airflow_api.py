"""The Airflow API source: health by the body, whatever the status says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import ApiServerState
from autoscaler.secret import Secret
from autoscaler.sources.airflow_api import AirflowApi, AirflowApiOptions
from tests.http_server import HttpServer, http_server

NOW = 1_000_000.0
WELL = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "2026-11-22T12:38:09+00:00"},
    "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
    "dag_processor": {"status": "unhealthy"},
}
STATUS = {
    "metadatabase": "healthy",
    "scheduler": "healthy",
    "triggerer": None,
    "dag_processor": "unhealthy",
}
AIRFLOW_3: dict[str, Any] = {
    "/api/v2/version": {"version": "3.3.2", "git_version": None},
    "/api/v2/monitor/health": WELL,
    "/execution/health/ping": {"ok": ["JWTValidator"], "failing": {}},
}
AIRFLOW_2: dict[str, Any] = {"/health": WELL}


class Airflow:
    """What a fake Airflow answers by path; anything else is not found."""

    def __init__(self, server: HttpServer, pages: dict[str, Any]) -> None:
        self.pages = dict(pages)
        self.url = server.url
        self.statuses: dict[str, int] = {}
        self.server = server
        server.answer = self._answer

    def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path not in self.pages:
            return web.json_response({"detail": "Not Found"}, status=404)
        page = self.pages[request.path]
        text = page if isinstance(page, str) else json.dumps(page)
        return web.Response(text=text, status=self.statuses.get(request.path, 200))


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as running:
        yield running


@pytest.fixture
async def source(server: HttpServer) -> AsyncIterator[AirflowApi]:
    options = AirflowApiOptions(url=Secret(f"{server.url}/"), timeout_seconds=0.5)
    made = AirflowApi(options, Context("api"))
    yield made
    await made.aclose()


async def test_airflow_3(server: HttpServer, source: AirflowApi) -> None:
    airflow = Airflow(server, AIRFLOW_3)
    state = await source.read(NOW)
    assert (state.at, state.version, state.status) == (NOW, "3.3.2", STATUS)
    assert state.execution_api is True
    assert 0 < state.latency_seconds < 0.5
    await source.read(NOW)
    paths = [request.path for request in airflow.server.requests]
    assert (paths.count("/api/v2/version"), len(paths)) == (1, 5)


async def test_airflow_2_has_no_api_that_tasks_report_to(
    server: HttpServer, source: AirflowApi
) -> None:
    Airflow(server, AIRFLOW_2)
    state = await source.read(NOW)
    assert (state.version, state.status, state.execution_api) == ("2.x", STATUS, None)


@pytest.mark.parametrize(
    ("ping", "status"),
    [
        ({"ok": [], "failing": {"JWTValidator": "no key"}}, 200),
        ({"ok": [], "failing": {}}, 503),
    ],
)
async def test_an_execution_api_that_fails(
    server: HttpServer, source: AirflowApi, ping: dict[str, Any], status: int
) -> None:
    airflow = Airflow(server, {**AIRFLOW_3, "/execution/health/ping": ping})
    airflow.statuses["/execution/health/ping"] = status
    assert (await source.read(NOW)).execution_api is False


async def test_the_body_counts_and_not_the_status(server: HttpServer, source: AirflowApi) -> None:
    airflow = Airflow(server, AIRFLOW_3)
    airflow.statuses["/api/v2/monitor/health"] = 503
    assert (await source.read(NOW)).status == STATUS


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"detail": "no"}', "[" * 5000])
async def test_what_is_not_airflows_answer_is_unknown(
    server: HttpServer, source: AirflowApi, body: str
) -> None:
    Airflow(server, {**AIRFLOW_3, "/api/v2/monitor/health": body})
    with pytest.raises(SourceError, match="is the URL that of its API server"):
        await source.read(NOW)


async def test_components_that_are_odd_are_left_out(server: HttpServer, source: AirflowApi) -> None:
    odd = {"metadatabase": {"status": 7}, "scheduler": "up", "triggerer": {}, "other": {}}
    Airflow(server, {**AIRFLOW_3, "/api/v2/monitor/health": odd})
    assert (await source.read(NOW)).status == {"metadatabase": "7", "triggerer": None}


async def test_an_upgrade_is_noticed(server: HttpServer, source: AirflowApi) -> None:
    airflow = Airflow(server, AIRFLOW_2)
    assert (await source.read(NOW)).version == "2.x"
    airflow.pages = {}
    with pytest.raises(SourceError, match="answered 404"):
        await source.read(NOW)
    airflow.pages = AIRFLOW_3
    assert (await source.read(NOW)).version == "3.3.2"


async def test_an_unreachable_server_is_named_without_its_secrets() -> None:
    url = "http://ann:hunter2@127.0.0.1:1"
    source = AirflowApi(AirflowApiOptions(url=Secret(url)), Context("api"))
    with pytest.raises(SourceError, match="no answer") as caught:
        await source.read(NOW)
    assert "127.0.0.1:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    await source.aclose()


def test_samples() -> None:
    state = ApiServerState(NOW, "3.3.2", STATUS, 0.03)
    found = {(s.name, s.labels.get("component")): s.value for s in state.samples()}
    assert found == {
        ("airflow_api_latency_seconds", None): 0.03,
        ("airflow_healthy", "metadatabase"): 1,
        ("airflow_healthy", "scheduler"): 1,
        ("airflow_healthy", "dag_processor"): 0,
    }

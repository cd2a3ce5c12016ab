"""The Prometheus source: values, and everything that is no value."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from autoscaler.clients.http import Reply
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context
from autoscaler.model import Sample, SampleState
from autoscaler.secret import Secret
from autoscaler.sources import prometheus as module
from autoscaler.sources.prometheus import Prometheus, PrometheusOptions
from tests import services
from tests.http_server import http_server
from tests.servers import eventually

NOW = 1_000_000.0
ONE = {"metric": {"__name__": "up", "job": "a"}, "value": [NOW - 1, "1"]}


def success(result: Any, kind: str = "vector", **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


@pytest.fixture
async def server():
    async with http_server() as server:
        server.answers(success([ONE]))
        yield server


async def read(url: str, queries: dict[str, str] | None = None, **options: Any) -> SampleState:
    queries = queries or {"jobs_up": "up"}
    checked = PrometheusOptions(url=Secret(url), queries=queries, **options)
    source = Prometheus(checked, Context("prometheus"))
    try:
        return await source.read(NOW)
    finally:
        await source.aclose()


async def why_not(url: str, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        await read(url, **options)
    return str(caught.value)


async def test_each_series_of_a_vector_is_a_sample(server):
    two = {"metric": {"job": "b"}, "value": [NOW, "2.5"]}
    server.answers(success([ONE, two]))
    state = await read(f"{server.url}/prefix/", token=Secret("t"), headers={"X-Scope": "me"})
    assert state == SampleState(
        NOW,
        (
            Sample("jobs_up", 1.0, NOW - 1, {"job": "a"}),
            Sample("jobs_up", 2.5, NOW, {"job": "b"}),
        ),
    )
    (request,) = server.requests
    assert request.path == "/prefix/api/v1/query"
    assert dict(request.query) == {
        "query": "up",
        "lookback_delta": "120s",
        "partial_response": "false",
    }
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers["X-Scope"] == "me"


async def test_a_scalar_is_a_sample(server):
    server.answers(success([NOW, "7"], "scalar"))
    assert (await read(server.url)).values == (Sample("jobs_up", 7.0, NOW, {}),)


async def test_one_failing_query_leaves_the_others_alone(server):
    def answer(request: web.BaseRequest) -> web.Response:
        if request.query["query"] == "down":
            return web.json_response(success([]))
        return web.json_response(success([ONE]))

    server.answer = answer
    state = await read(server.url, {"a": "up", "b": "down", "c": "up"})
    assert [sample.name for sample in state.values] == ["a", "c"]
    assert state.unreadable == {"b": "no series matches; use `or vector(0)` if none means zero"}


async def test_one_hanging_query_leaves_the_others_alone(server):
    server.before = lambda r: asyncio.sleep(9) if r.query["query"] == "slow" else None
    state = await read(server.url, {"a": "up", "b": "slow"}, timeout_seconds=0.2)
    assert [sample.name for sample in state.values] == ["a"]
    assert state.unreadable["b"].endswith("no whole answer within 0.2 s")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (success([]), "no series matches"),
        (success([{**ONE, "value": [NOW, "NaN"]}]), "a value is NaN"),
        (success([ONE, {**ONE, "value": [NOW, "+Inf"]}]), "a value is +Inf"),
        (success([NOW, "-Inf"], "scalar"), "a value is -Inf"),
        (success([{**ONE, "value": ["NaN", "1"]}]), "a value is 1 at NaN"),
        (success([{**ONE, "value": [NOW - 121, "1"]}]), "a value is 1 s older than allowed"),
        (success([{**ONE, "value": [NOW]}]), "a series has no float value"),
        (success([{**ONE, "value": [NOW, None]}]), "a series has no float value"),
        (success([{**ONE, "value": "12"}]), "a series has no float value"),
        (success([{**ONE, "value": [10**400, "1"]}]), "a series has no float value"),
        (success([{**ONE, "value": [NOW, "many"]}]), "a series has no float value"),
        (success([{"metric": {}, "histogram": [NOW, {}]}]), "a series has no float value"),
        (success([{"value": [NOW, "1"]}]), "a series has no labels"),
        (success(["up"]), "a series has no labels"),
        (success([ONE] * 1_001), "1001 series are more than 1000; aggregate them"),
        (success([], "matrix"), "the query gives a matrix"),
        (success({}, "vector"), "the query gives a vector"),
        (success([ONE], warnings=["a store is away"]), "incomplete: ['a store is away']"),
        ({"status": "success"}, "the answer has no data"),
        ({"status": "error", "error": "it is full"}, "it is full"),
        ("<html>log in</html>", "the answer is not Prometheus's JSON"),
        ('{"status": "success", "data": {"resu', "the answer is not Prometheus's JSON"),
        ("[" * 100_000, "the answer is not Prometheus's JSON"),
        ("[]", "the answer is not Prometheus's JSON"),
        (b"\xff\xfe", "the answer is not Prometheus's JSON"),
    ],
)
async def test_what_is_no_value(server, answer, why):
    server.answers(answer)
    assert why in await why_not(server.url)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (302, "", "redirects are not followed"),
        (400, {"status": "error", "error": "1:4: parse error"}, "400: it does not accept the req"),
        (400, {"status": "error", "error": "1:4: parse error"}, "1:4: parse error"),
        (401, "Unauthorized", "answered 401: check the credentials"),
        (403, "<html>", "answered 403: check the credentials"),
        (404, "404 page not found", "answered 404: check the path"),
        (422, {"status": "error", "error": "too many samples"}, "too many samples"),
        (429, "", "answered 429: it is asked too often"),
        (503, success([ONE]), "answered 503: it cannot serve now"),
    ],
)
async def test_what_is_no_success(server, status, body, why):
    server.answers(body, status=status, headers={"Location": f"{server.url}/other"})
    assert why in await why_not(server.url)
    assert len(server.requests) == 1


async def test_an_answer_that_breaks_off_or_never_ends(server):
    server.breaks_off()
    assert "no answer" in await why_not(server.url)
    server.answers(b" " * (5 * 1_048_576))
    assert "larger than" in await why_not(server.url)


async def test_a_server_that_is_down_and_whose_login_is_secret():
    why = await why_not("http://ann:s3cret@127.0.0.1:1")
    assert why.startswith("jobs_up: http://127.0.0.1:1: no answer")
    assert "s3cret" not in why


async def test_a_secret_that_cannot_be_read(server, tmp_path):
    missing = Secret(str(tmp_path / "token"), "file")
    assert "is not a regular file" in await why_not(server.url, token=missing)
    assert server.requests == []


@pytest.mark.parametrize("queries", [{}, {"a-b": "up"}, {"": "up"}, {"a": ""}])
def test_queries_that_cannot_be_samples(queries):
    with pytest.raises(ValidationError):
        PrometheusOptions(url=Secret("http://127.0.0.1"), queries=queries)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)


@given(result=JSON, kind=st.sampled_from(["scalar", "vector", "matrix"]), pair=JSON)
def test_no_answer_does_harm(result, kind, pair):
    for found in (result, pair, [{"metric": {}, "value": pair}]):
        reply = Reply(200, json.dumps(success(found, kind)).encode())
        with contextlib.suppress(SourceError):
            samples = list(module._samples("x", module._data(reply), NOW))
            assert all(math.isfinite(sample.value) for sample in samples)


@pytest.mark.full
async def test_a_real_prometheus():
    async with services.prometheus() as server:
        options = PrometheusOptions(
            url=Secret(server.url),
            queries={"jobs_up": "up", "none": "absent(up)", "wrong": "up(", "seven": "7"},
        )
        source = Prometheus(options, Context("prometheus"))

        async def scraped() -> SampleState | None:
            now = asyncio.get_running_loop().time()
            try:
                state = await source.read(now)
            except SourceError:
                return None
            return state if "jobs_up" not in state.unreadable else None

        state = await eventually(scraped, "a scrape", timeout_seconds=30, every_seconds=0.2)
        await source.aclose()
    assert isinstance(state, SampleState)
    values = {sample.name: sample for sample in state.values}
    assert values["jobs_up"].value == 1
    assert values["jobs_up"].labels["job"] == "itself"
    assert values["seven"].value == 7
    assert state.unreadable.keys() == {"none", "wrong"}
    assert "parse error" in state.unreadable["wrong"]

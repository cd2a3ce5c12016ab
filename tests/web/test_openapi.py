"""The OpenAPI description is true: it names every route, and every answer fits it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from autoscaler.model import Alert, AlertState, Finding, Override, Severity
from autoscaler.web.openapi import openapi
from autoscaler.web.problems import ProblemDocument
from autoscaler.web.routes import ROUTES, Route
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, outcome, tick, turn
from tests.web.serving import Api
from tests.web.test_auth import BODIES


def references(node: Any) -> set[str]:
    """Every `$ref` in a document."""
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


async def test_it_names_every_route(api: Api) -> None:
    described = (await api.get("/api/v1/openapi.json")).document
    assert described == openapi(ROUTES)
    operations = {
        (method.upper(), path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert operations.keys() == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = operations[route.method, route.path]
        assert ("security" in operation) == route.changes
        assert operation["summary"].endswith(".")
    assert len({each["operationId"] for each in operations.values()}) == len(ROUTES)
    schemas = described["components"]["schemas"]
    assert references(described) == {f"#/components/schemas/{name}" for name in schemas}


def test_the_docs_name_every_route_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| `(GET|POST) ([^`?]+)(?:\?([^`]+))?`", text, re.MULTILINE)
    documented = {(method, path): set(filter(None, q.split("&"))) for method, path, q in rows}
    assert documented == {(r.method, r.path): set(r.query or ()) for r in ROUTES}


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.answer], ids=lambda r: f"{r.method} {r.path}"
)
async def test_every_answer_fits_its_type(api: Api, route: Route) -> None:
    finding = Finding("worker_silent", Severity.WARNING, "default-1 is silent")
    override = Override("default", "deploy", "ann", NOW, None, 3)
    replicas = (replica("a", busy=2), replica("b", busy=1, drained=True))
    api.observe(
        tick(
            turn(
                3,
                snapshot=seen(*replicas, samples=SAMPLES),
                outcomes=(outcome(),),
                override=override,
            ),
            findings=(finding,),
            alerts=(Alert(finding, AlertState.FIRING, NOW),),
        )
    )
    path = route.path.format(name="default")
    if route.changes:
        answer = await api.post(path, BODIES[path.rpartition("/")[2]])
    else:
        answer = await api.get(path)
    kind = route.answer if answer.status == 200 else ProblemDocument
    fields = TypeAdapter(kind).validate_json(answer.text, strict=True)
    assert fields == answer.document


def test_a_problem_needs_no_hint() -> None:
    rows = [replace(ROUTES[0], answer=None)]
    content = openapi(rows)["paths"]["/healthz"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["text/plain"]

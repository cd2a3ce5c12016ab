"""The OpenAPI description, made from the route table and the types of what goes in and out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from autoscaler import __version__
from autoscaler.web.problems import PROBLEM_TYPE, ProblemDocument
from autoscaler.web.routes import Route

Document = dict[str, Any]


def openapi(routes: Iterable[Route]) -> Document:
    """OpenAPI 3.1 of these routes."""
    rows = list(routes)
    types = {ProblemDocument, *(r.answer for r in rows), *(r.body for r in rows)} - {None}
    references, schemas = _schemas(types)
    paths: Document = {}
    for route in rows:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "autoscaler",
            "version": __version__,
            "description": "How many workers each fleet has, why, and what is wrong.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(types: Iterable[Any]) -> tuple[dict[Any, Document], Document]:
    """A reference for each type, and the schemas they refer to."""
    ordered = sorted(types, key=lambda each: each.__name__)
    found, definitions = TypeAdapter.json_schemas(
        [(each, "validation", TypeAdapter(each)) for each in ordered],
        ref_template="#/components/schemas/{model}",
    )
    return {each: found[each, "validation"] for each in ordered}, definitions["$defs"]


def _operation(route: Route, references: dict[Any, Document]) -> Document:
    about = " ".join((route.handler.__doc__ or "").split())
    name = f"{route.method} {route.path}".removesuffix("/")
    operation: Document = {
        "operationId": re.sub(r"[^A-Za-z]+", "_", name).strip("_").lower(),
        "summary": about,
        "parameters": _parameters(route),
        "responses": {
            "200": {"description": "as asked", "content": _content(route, references)},
            "default": {
                "description": "what is wrong, and what to do",
                "content": {PROBLEM_TYPE: {"schema": references[ProblemDocument]}},
            },
        },
    }
    if route.body is not None:
        body = {"schema": references[route.body]}
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    if route.changes:
        operation["security"] = [{"token": []}]
    return operation


def _parameters(route: Route) -> list[Document]:
    text = {"type": "string"}
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    in_query = [
        {"name": name, "in": "query", "description": about, "schema": text}
        for name, about in (route.query or {}).items()
    ]
    return in_path + in_query


def _content(route: Route, references: dict[Any, Document]) -> Document:
    if route.answer is None:
        return {"text/plain": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": references[route.answer]}}

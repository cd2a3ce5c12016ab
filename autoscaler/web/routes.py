"""Every route once: what it is, what it takes, what it answers, and whether it changes anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from autoscaler.telemetry.documents import DecisionDocument
from autoscaler.web import changes, documents, reads
from autoscaler.web.backend import Backend
from autoscaler.web.requests import DrainUnit, Pause, Resume, Scale

Handler = Callable[[Backend, web.Request], Awaitable[Mapping[str, Any] | web.Response]]
FLEET = "/api/v1/fleets/{name}"


@dataclass(frozen=True, slots=True)
class Route:
    """One row. `body` is what a change takes; every route that takes one needs the token.

    answer None: no JSON. query: optional parameters, each with what it is.
    """

    method: str
    path: str
    handler: Handler
    answer: Any = None
    body: type[BaseModel] | None = None
    query: Mapping[str, str] | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes anything, and so needs the token."""
        return self.method != "GET"


TIME = "RFC 3339, or Unix seconds"
PAGE = {"limit": "at most this many, 1 to 500", "before": f"only earlier ones: {TIME}"}
MEMORY = {"memory": "bytes: how many slots fit into them is told as well"}
ROUTES = (
    Route("GET", "/healthz", reads.live, documents.LifeDocument),
    Route("GET", "/readyz", reads.ready, documents.ReadinessDocument),
    Route("GET", "/metrics", reads.metrics),
    Route("GET", "/api/v1/fleets", reads.fleets, documents.FleetsDocument),
    Route("GET", FLEET, reads.fleet, documents.FleetDetailDocument),
    Route("GET", f"{FLEET}/decisions", reads.decisions, documents.DecisionsDocument, query=PAGE),
    Route("GET", f"{FLEET}/explain", reads.explain, DecisionDocument, query={"at": TIME}),
    Route(
        "GET", f"{FLEET}/right-size", reads.right_size, documents.RightSizeDocument, query=MEMORY
    ),
    Route("GET", "/api/v1/health", reads.health, documents.HealthDocument),
    Route("GET", "/api/v1/alerts", reads.alerts, documents.AlertsDocument),
    Route("POST", f"{FLEET}/pause", changes.pause, documents.OverriddenDocument, Pause),
    Route("POST", f"{FLEET}/resume", changes.resume, documents.OverriddenDocument, Resume),
    Route("POST", f"{FLEET}/scale", changes.scale, documents.OverriddenDocument, Scale),
    Route("POST", f"{FLEET}/drain", changes.drain, documents.DrainedDocument, DrainUnit),
)

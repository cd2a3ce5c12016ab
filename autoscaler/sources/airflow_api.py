"""Source of what Airflow's API server (3.x) or webserver (2.x) says of itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from autoscaler.clients.http import HttpClient, Reply
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context, Options, Source
from autoscaler.model import ApiServerState
from autoscaler.secret import Secret, redact_url

COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
NOT_FOUND = 404
UNKNOWN = "2.x"


class AirflowApiOptions(Options):
    """Where to ask. No credentials are needed: what is asked is open to all."""

    url: Secret = Field(description="base URL, such as http://airflow-apiserver:8080")
    timeout_seconds: float = Field(default=4, gt=0, description="how long one answer may take")


class AirflowApi(Source[AirflowApiOptions]):
    """Asks for health, by its body: Airflow answers 200 however unwell it is."""

    options_type = AirflowApiOptions

    def __init__(self, options: AirflowApiOptions, context: Context) -> None:
        super().__init__(options, context)
        self._client = HttpClient(options.timeout_seconds, SourceError)
        self._url = options.url.reveal().rstrip("/")
        self._version: str | None = None

    async def aclose(self) -> None:
        await self._client.aclose()

    async def read(self, now: float) -> ApiServerState:
        """Raises SourceError, after which the version is asked for anew: it may be an upgrade."""
        began = asyncio.get_running_loop().time()
        version, self._version = self._version, None
        if version is None:
            version = await self._ask_version()
        if version == UNKNOWN:
            status, reports = _components(await self._get("/health")), None
        else:
            asked = ("/api/v2/monitor/health", "/execution/health/ping")
            health, ping = await asyncio.gather(*map(self._get, asked))
            status, reports = _components(health), _takes_reports(ping)
        self._version = version
        latency = asyncio.get_running_loop().time() - began
        return ApiServerState(now, version, status, latency, reports)

    async def _ask_version(self) -> str:
        """What 3.x says; 2.x tells it only to who logs in."""
        reply = await self._get("/api/v2/version")
        if reply.status == NOT_FOUND:
            return UNKNOWN
        return str(_document(reply, "version").get("version", ""))[:40]

    async def _get(self, path: str) -> Reply:
        try:
            return await self._client.request("GET", f"{self._url}{path}")
        except SourceError as error:
            raise SourceError(f"{redact_url(self._url)}{path}: {error}") from error


def _components(reply: Reply) -> dict[str, str | None]:
    """The status of each part; None for one that is not deployed. Raises SourceError."""
    document = _document(reply, "metadatabase")
    found = {name: document.get(name) for name in COMPONENTS}
    return {
        name: str(status)[:40] if (status := part.get("status")) is not None else None
        for name, part in found.items()
        if isinstance(part, Mapping)
    }


def _takes_reports(reply: Reply) -> bool:
    """Whether what tasks report to is well."""
    return reply.ok and not _document(reply, "failing")["failing"]


def _document(reply: Reply, key: str) -> Mapping[str, Any]:
    """The JSON object with this key. Raises SourceError for anything else."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or key not in document:
        why = "the answer is not Airflow's" if reply.ok else reply.refusal
        raise SourceError(f"{why}; is the URL that of its API server?")
    return document

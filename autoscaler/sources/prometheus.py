"""Source of whatever PromQL can tell: each query becomes a sample of that name."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from autoscaler.clients.http import HttpClient, Reply
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context, Options, Source
from autoscaler.model import Sample, SampleState
from autoscaler.secret import Secret, redact, redact_url

SampleName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
PromQL = Annotated[str, Field(min_length=1)]

MOST_SERIES = 1_000
MOST_CHARACTERS = 300


class PrometheusOptions(Options):
    """Where to ask, and what."""

    url: Secret = Field(description="base URL, such as http://prometheus:9090")
    queries: dict[SampleName, PromQL] = Field(
        min_length=1, description="sample name -> PromQL that gives a vector or a scalar"
    )
    timeout_seconds: float = Field(default=4, gt=0, description="how long one query may take")
    token: Secret | None = Field(default=None, description="bearer token")
    headers: dict[str, Secret] = Field(
        default_factory=dict, description="headers to send, such as X-Scope-OrgID"
    )
    max_age_seconds: int = Field(
        default=120, gt=0, description="age beyond which a value counts as unknown"
    )


class Prometheus(Source[PrometheusOptions]):
    """Runs instant queries against a Prometheus, Thanos, Mimir or VictoriaMetrics."""

    options_type = PrometheusOptions

    def __init__(self, options: PrometheusOptions, context: Context) -> None:
        super().__init__(options, context)
        self._client = HttpClient(options.timeout_seconds, SourceError)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def read(self, now: float) -> SampleState:
        names = list(self.options.queries)
        results = await asyncio.gather(*(self._query(name, now) for name in names))
        values: list[Sample] = []
        unreadable: dict[str, str] = {}
        for name, result in zip(names, results, strict=True):
            if isinstance(result, str):
                unreadable[name] = result
            else:
                values += result
        if not values:
            raise SourceError("; ".join(f"{name}: {why}" for name, why in unreadable.items()))
        return SampleState(at=now, values=tuple(values), unreadable=unreadable)

    async def _query(self, name: str, now: float) -> list[Sample] | str:
        """The samples of one query, or why there are none."""
        try:
            reply = await self._ask(self.options.queries[name])
            return list(_samples(name, _data(reply), now - self.options.max_age_seconds))
        except (SourceError, ValueError) as error:
            return redact(str(error))

    async def _ask(self, query: str) -> Reply:
        url = self.options.url.reveal().rstrip("/")
        headers = {name: secret.reveal() for name, secret in self.options.headers.items()}
        if self.options.token is not None:
            headers["Authorization"] = f"Bearer {self.options.token.reveal()}"
        # The time in a result is that of the query, not of the scrape, so it is the server that
        # must leave out what is too old; Thanos must refuse rather than answer in part.
        params = {
            "query": query,
            "lookback_delta": f"{self.options.max_age_seconds}s",
            "partial_response": "false",
        }
        try:
            return await self._client.request(
                "GET", f"{url}/api/v1/query", params=params, headers=headers
            )
        except SourceError as error:
            raise SourceError(f"{redact_url(url)}: {error}") from error


def _data(reply: Reply) -> dict[str, Any]:
    """The `data` of a successful answer. Raises SourceError."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise SourceError("the answer is not Prometheus's JSON" if reply.ok else reply.refusal)
    if not reply.ok or answer.get("status") != "success":
        reason = str(answer.get("error", ""))[:MOST_CHARACTERS]
        raise SourceError(f"{reply.refusal}: {reason}" if reason else reply.refusal)
    if warnings := answer.get("warnings"):
        raise SourceError(f"the answer may be incomplete: {str(warnings)[:MOST_CHARACTERS]}")
    data = answer.get("data")
    if not isinstance(data, dict):
        raise SourceError("the answer has no data")
    return data


def _samples(name: str, data: dict[str, Any], oldest: float) -> Iterator[Sample]:
    """The samples of a scalar or vector; one bad series makes the whole query unreadable."""
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar":
        yield _sample(name, {}, result, oldest)
        return
    if kind != "vector" or not isinstance(result, list):
        raise SourceError(f"the query gives a {kind}; an instant vector or a scalar is needed")
    if not result:
        raise SourceError("no series matches; use `or vector(0)` if none means zero")
    if len(result) > MOST_SERIES:
        raise SourceError(f"{len(result)} series are more than {MOST_SERIES}; aggregate them")
    for series in result:
        if not isinstance(series, dict) or not isinstance(series.get("metric"), dict):
            raise SourceError("a series has no labels")
        labels = {k: str(v) for k, v in series["metric"].items() if k != "__name__"}
        yield _sample(name, labels, series.get("value"), oldest)


def _sample(name: str, labels: dict[str, str], pair: Any, oldest: float) -> Sample:
    if not isinstance(pair, list) or len(pair) != 2:
        raise SourceError("a series has no float value")
    at, value = pair
    try:
        sample = Sample(name, float(value), float(at), labels)
    except (TypeError, ValueError, OverflowError):
        raise SourceError("a series has no float value") from None
    if not math.isfinite(sample.value) or not math.isfinite(sample.at):
        raise SourceError(f"a value is {value} at {at}")
    if sample.at < oldest:
        raise SourceError(f"a value is {oldest - sample.at:.0f} s older than allowed")
    return sample

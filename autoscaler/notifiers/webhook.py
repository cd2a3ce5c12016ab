"""Notifier that posts alerts as JSON to any URL, in the shape of Alertmanager's webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from json import dumps
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from autoscaler.clients.http import HttpClient
from autoscaler.errors import NotifyError
from autoscaler.interfaces import Context, Notifier, Options
from autoscaler.model import Alert, AlertState, Finding
from autoscaler.secret import Secret

VERSION = "1"
MOST_CHARACTERS = 1_000
# Mended elsewhere (a token rotated, a route restored) or gone by itself: worth trying again.
PASSING_REFUSALS = frozenset({401, 403, 404, 407, 408, 425, 429})


class WebhookOptions(Options):
    """Where to post, and with which headers."""

    url: Secret = Field(description="URL to post to; all of it is kept secret")
    headers: dict[str, Secret] = Field(
        default_factory=dict, description="headers to send, such as Authorization"
    )
    timeout_seconds: float = Field(
        default=10, gt=0, le=30, description="how long one delivery may take"
    )


class Webhook(Notifier[WebhookOptions]):
    """Posts `{version, status, receiver, sentAt, alerts: [...]}`; any 2xx means delivered."""

    options_type = WebhookOptions

    def __init__(self, options: WebhookOptions, context: Context) -> None:
        super().__init__(options, context)
        self._client = HttpClient(options.timeout_seconds, NotifyError)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def notify(self, alerts: Sequence[Alert], now: float) -> None:
        where = "webhook"
        try:
            url = self.options.url.reveal()
            where = f"webhook at {urlsplit(url).hostname}"
            headers = {name: secret.reveal() for name, secret in self.options.headers.items()}
            body = message(self.context.name, alerts, now)
            reply = await self._client.request("POST", url, headers=headers, json=body)
        except (NotifyError, ValueError) as error:
            raise NotifyError(f"{where}: {error}") from error
        if not reply.ok:
            permanent = 400 <= reply.status < 500 and reply.status not in PASSING_REFUSALS
            raise NotifyError(f"{where} {reply.refusal}", permanent=permanent)


def message(receiver: str, alerts: Sequence[Alert], now: float) -> dict[str, Any]:
    """The body; its status is firing as long as one of its alerts is. Times are RFC 3339."""
    firing = any(alert.state is AlertState.FIRING for alert in alerts)
    return {
        "version": VERSION,
        "status": "firing" if firing else "resolved",
        "receiver": receiver,
        "sentAt": _time(now),
        "alerts": [_alert(alert) for alert in alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    finding = alert.finding
    evidence = "\n".join(f"{name}: {value}" for name, value in finding.evidence.items())
    labels = {**finding.labels, "alertname": finding.check, "severity": finding.severity.value}
    annotations = {"summary": finding.summary, "evidence": evidence, "remedy": finding.remedy}
    return {
        "status": alert.state.value,
        "labels": _cut(labels),
        "annotations": _cut(annotations),
        "startsAt": _time(alert.active_since),
        "endsAt": None if alert.resolved_at is None else _time(alert.resolved_at),
        "fingerprint": _fingerprint(finding),
    }


def _fingerprint(finding: Finding) -> str:
    """The same for one alert through all its states, over restarts and changes of leader."""
    return sha256(dumps(finding.key).encode()).hexdigest()[:16]


def _cut(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text[:MOST_CHARACTERS] for name, text in texts.items()}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")

"""The webhook: what it posts, and what of the answer it makes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autoscaler.errors import NotifyError
from autoscaler.interfaces import Context
from autoscaler.model import Alert, AlertState, Finding, Severity
from autoscaler.notifiers.webhook import MOST_CHARACTERS, Webhook, WebhookOptions
from autoscaler.secret import Secret
from tests.http_server import http_server

FINDING = Finding(
    "queue_without_consumers",
    Severity.CRITICAL,
    'Nobody consumes "a"\r\n<b>: 5 tasks waiting.',
    labels={"queue": "a", "severity": "forged"},
    evidence={"waiting": "5", "consumers": "0"},
    remedy="Look.",
)
FIRING = Alert(FINDING, AlertState.FIRING, active_since=1_000.0, fired_at=1_060.0)
RESOLVED = Alert(FINDING, AlertState.RESOLVED, 1_000.0, 1_060.0, resolved_at=1_120.5)


@pytest.fixture
async def server():
    async with http_server() as server:
        yield server


async def notify(url: str, *alerts: Alert, **options: Any) -> None:
    webhook = Webhook(WebhookOptions(url=Secret(url), **options), Context("webhook"))
    try:
        await webhook.notify(alerts, 2_000.0)
    finally:
        await webhook.aclose()


async def test_what_is_posted(server):
    await notify(f"{server.url}/hook", FIRING, RESOLVED, headers={"Authorization": "Bearer t"})
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["Authorization"] == "Bearer t"
    assert request.content_type == "application/json"
    body = json.loads(server.bodies[0])
    fingerprint = body["alerts"][0].pop("fingerprint")
    assert body["alerts"][1].pop("fingerprint") == fingerprint
    assert len(fingerprint) == 16
    told = {
        "labels": {
            "queue": "a",
            "alertname": "queue_without_consumers",
            "severity": "critical",
        },
        "annotations": {
            "summary": 'Nobody consumes "a"\r\n<b>: 5 tasks waiting.',
            "evidence": "waiting: 5\nconsumers: 0",
            "remedy": "Look.",
        },
        "startsAt": "1970-01-01T00:16:40.000+00:00",
    }
    assert body == {
        "version": "1",
        "status": "firing",
        "receiver": "webhook",
        "sentAt": "1970-01-01T00:33:20.000+00:00",
        "alerts": [
            {"status": "firing", "endsAt": None, **told},
            {"status": "resolved", "endsAt": "1970-01-01T00:18:40.500+00:00", **told},
        ],
    }


async def test_a_message_of_resolved_alerts_is_resolved(server):
    await notify(server.url, RESOLVED)
    assert json.loads(server.bodies[0])["status"] == "resolved"


async def test_long_texts_are_cut(server):
    finding = Finding("c", Severity.INFO, "x" * 5_000)
    await notify(server.url, Alert(finding, AlertState.FIRING, 1.0))
    annotations = json.loads(server.bodies[0])["alerts"][0]["annotations"]
    assert annotations["summary"] == "x" * MOST_CHARACTERS


async def refused(url: str, **options: Any) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        await notify(url, FIRING, **options)
    assert "s3cret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (400, 410, 413, 422)),
        *((status, False) for status in (302, 401, 403, 404, 408, 429, 500, 503)),
    ],
)
async def test_which_refusals_are_worth_another_try(server, status, permanent):
    server.answers("no", status=status, headers={"Location": "http://127.0.0.1:1/"})
    error = await refused(f"{server.url}/s3cret")
    assert f"webhook at 127.0.0.1 answered {status}" in str(error)
    assert error.permanent is permanent
    assert len(server.requests) == 1


async def test_a_webhook_that_is_not_there():
    error = await refused("http://ann:s3cret@127.0.0.1:1/s3cret")
    assert str(error).startswith("webhook at 127.0.0.1: no answer")
    assert not error.permanent


async def test_a_secret_that_cannot_be_read(tmp_path):
    missing = Secret(str(tmp_path / "token"), "file")
    error = await refused("http://127.0.0.1:1/", headers={"Authorization": missing})
    assert "is not a regular file" in str(error)
    assert "malformed" in str(await refused("ht!tp://s3cret"))

"""What the API answers from the ticks, over real HTTP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoscaler.model import (
    Alert,
    AlertState,
    Finding,
    Severity,
    Stage,
    StartUp,
    Tick,
)
from autoscaler.telemetry.journal import Journal
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, asks, step, tick, turn
from tests.web.serving import Api, running

FINDING = Finding(
    "worker_silent",
    Severity.WARNING,
    "default-1 is silent",
    {"fleet": "default"},
    {"silent_seconds": "95"},
    "look at its log",
)


def deciding(seconds: float, desired: int) -> Tick:
    """A tick so many seconds after NOW in which the fleet should have `desired` replicas."""
    snapshot = seen(replica("default-0"), now=NOW + seconds, samples=SAMPLES)
    return tick(turn(desired, snapshot=snapshot), now=NOW + seconds)


async def test_alive_even_before_the_first_tick(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        assert (await api.get("/healthz")).document["status"] == "alive"
        not_ready = await api.get("/readyz")
        assert (not_ready.status, not_ready.document) == (
            503,
            {"ready": False, "reasons": ["the first tick is not over"]},
        )
        early = await api.get("/api/v1/fleets")
        assert early.status == 503
        assert early.headers["Retry-After"] == "5"
        assert early.document["hint"] == "ask again in a moment"
        assert "autoscaler_build_info" in (await api.get("/metrics")).text


async def test_ready_needs_every_source_once_and_a_loop_that_runs(api: Api) -> None:
    assert (await api.get("/readyz")).document == {"ready": True, "reasons": []}
    missing = {"workers": "timed out", "target/default": "gone", "broker": "refused"}
    api.observe(tick(missing=missing))
    assert (await api.get("/readyz")).document["reasons"] == [
        "workers was never read: timed out"  # broker was, before
    ]
    api.observe(tick())
    api.now[0] = NOW + 16
    late = await api.get("/readyz")
    assert late.status == 503
    assert late.document["reasons"] == ["the last tick began 16 s ago, which is over 15 s"]


async def test_metrics(api: Api) -> None:
    plain = await api.get("/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert 'autoscaler_desired_replicas{fleet="default"} 3.0' in plain.text
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    assert (await api.get("/metrics", headers=accept)).text.endswith("# EOF\n")


async def test_what_was_learned(api: Api) -> None:
    started = replace(seen(replica("a")), start_up=StartUp(8.12345, 20, 3))
    api.observe(tick(turn(3, snapshot=started), known_dags={"airflow": 7}))
    document = (await api.get("/api/v1/fleets")).document
    assert document["known_dags"] == {"airflow": 7}
    assert document["fleets"][0]["start_up"] == {
        "p50_seconds": 8.123,
        "p90_seconds": 20,
        "starts": 3,
    }


async def test_fleets(api: Api) -> None:
    api.now[0] = NOW + 2.5
    document = (await api.get("/api/v1/fleets")).document
    assert document["at"] == "1970-01-12T13:46:40.000Z"
    assert document["age_seconds"] == 2.5
    assert document["leader"] is True
    assert document["fleets"] == [
        {
            "name": "default",
            "desired": 3,
            "current": 3,
            "ready": 3,
            "draining": 0,
            "min_replicas": 1,
            "max_replicas": 10,
            "reason": "Asked",
            "message": "asked for by the policies",
            "result": "unchanged",
            "verdict": "none",
            "verdict_message": "nothing waits for workers",
            "waiting_tasks": 30.0,
            "running_tasks": 8.0,
            "utilization": None,
            "oldest_task_age_seconds": None,
            "trend": [38.0],
            "start_up": None,
            "override": None,
            "missing": {},
        }
    ]


async def test_an_unread_target_is_null_and_not_zero(api: Api) -> None:
    blind = seen(missing={"target/default": "gone"})
    api.observe(tick(turn(4, snapshot=blind)))
    fleet = (await api.get("/api/v1/fleets")).document["fleets"][0]
    assert [fleet[key] for key in ("current", "ready", "draining", "verdict")] == [None] * 4
    assert fleet["desired"] == 4


async def test_one_fleet_with_its_replicas(api: Api) -> None:
    mute = replica("d")
    assert mute.worker is not None
    replicas = (
        replica("a", busy=1, slots=4),
        replica("b", busy=1, drained=True),
        replica("c", registered=False),
        replace(mute, worker=replace(mute.worker, queues=None)),
    )
    snapshot = seen(*replicas, samples=SAMPLES, queues=("default", "other"))
    api.observe(tick(turn(2, snapshot=snapshot)))
    document = (await api.get("/api/v1/fleets/default")).document
    assert document["decision"]["explanation"]["summary"] == (
        "default: 2 replicas wanted (3 present, 2 ready, 1 draining)."
    )
    by_name = {each["name"]: each for each in document["replicas"]}
    assert (by_name["a"]["busy"], by_name["a"]["slots"], by_name["a"]["tasks"]) == (1, 4, [])
    assert by_name["b"]["draining_since"] == "1970-01-12T13:46:30.000Z"
    assert by_name["b"]["tasks"] == [
        {"id": "b@host/0", "name": "tasks.nap", "running_seconds": None}
    ]
    assert (by_name["c"]["worker"], by_name["c"]["busy"]) == (None, None)
    assert (by_name["a"]["queues"], by_name["d"]["queues"]) == (["default"], None)
    assert [queue["waiting"] for queue in document["queues"]] == [30, None]


async def test_an_unknown_fleet_says_which_there_are(api: Api) -> None:
    answer = await api.get("/api/v1/fleets/defualt")
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (
        404,
        "application/problem+json",
    )
    assert answer.document == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no fleet is called 'defualt'",
        "hint": "there are: default",
    }


async def test_decisions_page_through_memory_and_then_the_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    ticks = [deciding(10.0 * n, n) for n in range(1, 8)]
    for each in ticks:
        journal.observe(each)
    await journal.aclose()
    async with running(tmp_path, journal=journal) as api:
        api.observe(*ticks[4:])
        path = "/api/v1/fleets/default/decisions"
        first = (await api.get(f"{path}?limit=5")).document
        assert [each["desired"] for each in first["decisions"]] == [7, 6, 5, 4, 3]
        second = (await api.get(f"{path}?limit=5&before={first['next_before']}")).document
        assert [each["desired"] for each in second["decisions"]] == [2, 1]
        assert second["next_before"] is None
        then = (await api.get(f"/api/v1/fleets/default/explain?at={NOW + 25}")).document
        assert then["desired"] == 2


async def test_without_a_journal_memory_must_do(api: Api) -> None:
    api.observe(deciding(10, 5))
    document = (await api.get("/api/v1/fleets/default/decisions")).document
    assert [each["desired"] for each in document["decisions"]] == [5, 3]
    gone = await api.get("/api/v1/fleets/default/explain?at=1000")
    assert gone.status == 404
    assert "no decision of 'default' is known for 1970-01-01T00:16:40.000Z" in gone.text


async def test_explain_now_and_then(api: Api) -> None:
    limit = step(Stage.LIMIT, 8, 5, "at most 2 pods per 60 s")
    api.observe(replace(tick(turn(5, limit, recommendations=(asks(8),)), now=NOW + 60)))
    now = (await api.get("/api/v1/fleets/default/explain")).document
    assert now["explanation"]["why_not_more"][0] == (
        "A rate limit made it 5, not 8: at most 2 pods per 60 s."
    )
    for at in ("1970-01-12T13:46:41Z", "1970-01-12T14:46:41+01:00", str(NOW + 1)):
        then = (await api.get(f"/api/v1/fleets/default/explain?at={at}")).document
        assert then["desired"] in (3, 5)
    naive = await api.get("/api/v1/fleets/default/explain?at=1970-01-12T13:46:41")
    assert naive.status == 200


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "limit=1e1", "before=yesterday", "before=nan", "before=-1"],
)
async def test_wrong_parameters_are_named(api: Api, query: str) -> None:
    answer = await api.get(f"/api/v1/fleets/default/decisions?{query}")
    assert answer.status == 400
    assert answer.document["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "healthy"),
        ({"missing": {"broker": "refused"}}, "degraded"),
        ({"findings": (FINDING,)}, "degraded"),
        ({"findings": (replace(FINDING, severity=Severity.CRITICAL),)}, "unhealthy"),
        ({"bugs": {"checks": "KeyError"}}, "unhealthy"),
        ({"findings": (replace(FINDING, severity=Severity.INFO),)}, "healthy"),
    ],
)
async def test_health_is_the_worst_that_was_found(
    api: Api, facts: dict[str, object], status: str
) -> None:
    api.observe(tick(**facts))
    assert (await api.get("/api/v1/health")).document["status"] == status


async def test_health_and_alerts_say_what_to_do(api: Api) -> None:
    alert = Alert(FINDING, AlertState.FIRING, NOW - 60, NOW - 30)
    api.observe(tick(missing={"workers": "timed out"}, findings=(FINDING,), alerts=(alert,)))
    health = (await api.get("/api/v1/health")).document
    assert health["sources"] == [
        {"name": "broker", "up": True, "age_seconds": 0.0, "why": ""},
        {"name": "workers", "up": False, "age_seconds": None, "why": "timed out"},
    ]
    assert health["findings"][0]["remedy"] == "look at its log"
    alerts = (await api.get("/api/v1/alerts")).document["alerts"]
    assert alerts[0]["state"] == "firing"
    assert alerts[0]["finding"]["evidence"] == {"silent_seconds": "95"}
    assert (alerts[0]["fired_at"], alerts[0]["resolved_at"]) == ("1970-01-12T13:46:10.000Z", None)

"""What operators may change, and how it is kept, told and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from autoscaler.errors import TargetError
from autoscaler.interfaces import Leadership
from autoscaler.model import ActionKind, Outcome, Result
from autoscaler.secret import Secret
from tests.records import NOW
from tests.ticks import outcome, tick
from tests.web.serving import TOKEN, Api, running

FLEET = "/api/v1/fleets/default"
WHY = {"reason": "deploy 41", "actor": "ann"}


async def test_pause_and_resume(api: Api) -> None:
    with capture_logs() as log:
        paused = await api.post(f"{FLEET}/pause", {**WHY, "expires_in_seconds": 600})
    assert paused.status == 200
    assert paused.document["message"] == "default is paused until 13:56:40 UTC"
    assert paused.document["before"] is None
    override = api.backend.overrides.active("default", NOW)
    assert override is not None
    assert (override.replicas, override.expires_at, override.actor) == (None, NOW + 600, "ann")
    assert api.woken == ["pause"]
    told = {key: log[0][key] for key in ("event", "action", "actor", "reason", "remote")}
    assert told == {
        "event": "changed by an operator",
        "action": "pause",
        "actor": "ann",
        "reason": "deploy 41",
        "remote": "127.0.0.1",
    }
    resumed = await api.post(f"{FLEET}/resume")
    assert resumed.document["before"]["reason"] == "deploy 41"
    assert resumed.document["message"] == "default follows its policies"
    assert api.backend.overrides.active("default", NOW) is None
    again = await api.post(f"{FLEET}/resume")
    assert again.document["message"] == "default follows its policies, as it did before"


async def test_a_pause_ends_by_itself_unless_told_otherwise(api: Api) -> None:
    hour = (await api.post(f"{FLEET}/pause", WHY)).document
    assert hour["override"]["expires_at"] == "1970-01-12T14:46:40.000Z"
    ever = (await api.post(f"{FLEET}/pause", {**WHY, "expires_in_seconds": None})).document
    assert ever["override"]["expires_at"] is None
    assert ever["message"] == "default is paused until resumed"
    assert ever["before"]["expires_at"] == "1970-01-12T14:46:40.000Z"


async def test_scale_holds_a_number_within_the_bounds(api: Api) -> None:
    held = await api.post(f"{FLEET}/scale", {**WHY, "replicas": 7})
    assert held.document["message"] == "default is held at 7 until 14:46:40 UTC"
    override = api.backend.overrides.active("default", NOW)
    assert override is not None
    assert override.replicas == 7
    for replicas in (0, 11):
        refused = await api.post(f"{FLEET}/scale", {**WHY, "replicas": replicas})
        assert refused.status == 422
        assert refused.document["errors"] == [
            {"field": "replicas", "detail": "must be from 1 to 10"}
        ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "x", "expires_in_seconds": 0}, "expires_in_seconds"),
        ({"reason": "x", "expires_in_seconds": 1e12}, "expires_in_seconds"),
        ({"reason": "x", "for": "2h"}, "for"),
        ([], "body"),
    ],
)
async def test_wrong_fields_are_named(api: Api, body: Any, field: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = await api.ask("POST", f"{FLEET}/pause", json=body, headers=headers)
    assert answer.status == 422
    assert [fault["field"] for fault in answer.document["errors"]] == [field]
    assert api.backend.overrides.active("default", NOW) is None


async def test_bodies_that_are_no_json(api: Api) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    path = f"{FLEET}/pause"
    for data in (b"", b"{", b"\xff\xfe", b"[" * 30_000):
        assert (await api.ask("POST", path, data=data, headers=headers)).status == 400
    form = {**headers, "Content-Type": "text/plain"}
    assert (await api.ask("POST", path, data=b"{}", headers=form)).status == 415
    huge = b'{"reason": "' + b"x" * 70_000 + b'"}'
    refused = await api.ask("POST", path, data=huge, headers=headers)
    assert refused.status == 413
    assert refused.document["status"] == 413


async def test_changes_of_an_unknown_fleet(api: Api) -> None:
    for action, body in (("pause", WHY), ("resume", {}), ("scale", {**WHY, "replicas": 2})):
        assert (await api.post(f"/api/v1/fleets/other/{action}", body)).status == 404
    assert api.woken == []


async def test_a_change_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("a file where a directory should be")
    async with running(state, Secret(TOKEN)) as api:
        api.observe(tick())
        for action, body in (("pause", WHY), ("resume", {})):
            answer = await api.post(f"{FLEET}/{action}", body)
            assert answer.status == 503
            assert "could not be kept" in answer.document["detail"]
        assert api.woken == []


async def test_drain_of_one_unit(api: Api) -> None:
    body = {**WHY, "unit": "default-1"}
    cannot = await api.post(f"{FLEET}/drain", body)
    assert cannot.status == 501
    asked: list[tuple[str, str, str]] = []
    results = [Result.APPLIED, Result.FAILED]
    fault = TargetError("this is a dry run: nothing is changed")

    async def drain(fleet: str, unit: str, reason: str) -> Outcome:
        asked.append((fleet, unit, reason))
        if len(asked) > len(results):
            raise fault
        return outcome(ActionKind.DRAIN, unit, results[len(asked) - 1])

    api.backend.drain = drain
    done = await api.post(f"{FLEET}/drain", body)
    assert done.document["message"] == "default-1 takes no new tasks, and leaves when empty"
    assert asked == [("default", "default-1", "ann: deploy 41")]
    assert (await api.post(f"{FLEET}/drain", body)).status == 409
    refused = await api.post(f"{FLEET}/drain", body)
    assert (refused.status, refused.document["detail"]) == (409, str(fault))
    unknown = await api.post(f"{FLEET}/drain", {**body, "unit": "default-9"})
    assert unknown.status == 404
    assert unknown.document["hint"] == "there are: default-0, default-1, default-2"


class Follower(Leadership):
    """Does not lead; the test says who does."""

    reason = "its store is gone"
    leader = "host-1_42_abc"

    @property
    def led_by(self) -> str:
        return self.leader

    def holds(self, for_seconds: float = 0.0) -> bool:
        return False

    async def acquire(self) -> bool:
        return False

    async def aclose(self) -> None:
        pass


async def test_who_does_not_lead_changes_nothing_and_says_who_does(tmp_path: Path) -> None:
    follower = Follower()
    async with running(tmp_path, Secret(TOKEN), leadership=follower) as api:
        api.observe(tick(leader=False))
        refused = await api.post(f"{FLEET}/pause", WHY)
        assert refused.status == 409
        assert "this daemon is not the leader; the leader is host-1_42_abc" in refused.text
        follower.leader = ""
        orphaned = await api.post(f"{FLEET}/scale", {**WHY, "replicas": 2})
        assert orphaned.status == 503
        assert orphaned.headers["Retry-After"] == "5"
        assert "nobody leads, as far as is known here: its store is gone" in orphaned.text
        assert (await api.get("/readyz")).status == 200
        assert (await api.post(f"{FLEET}/pause", WHY, token="no")).status == 401
        assert api.backend.overrides.active("default", NOW) is None

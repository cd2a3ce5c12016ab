"""Every route with every kind of caller: reads are free, changes need the right token."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.secret import Secret
from autoscaler.web.routes import ROUTES, Route
from tests.ticks import tick
from tests.web.serving import TOKEN, Api, running

BODIES = {
    "pause": {"reason": "r"},
    "resume": {},
    "scale": {"reason": "r", "replicas": 2},
    "drain": {"reason": "r", "unit": "default-0"},
}
NO_TOKEN = {"read": 200, "change": 401}
WRONG = {"read": 200, "change": 401}
RIGHT = {"read": 200, "change": 200, "drain": 501}


def expected(route: Route, table: dict[str, int]) -> int:
    kind = "change" if route.changes else "read"
    return table.get(route.path.rpartition("/")[2], table[kind])


@pytest.mark.parametrize(
    ("authorization", "table"),
    [
        (None, NO_TOKEN),
        ("", NO_TOKEN),
        ("Bearer", NO_TOKEN),
        ("Bearer ", NO_TOKEN),
        (f"Basic {TOKEN}", NO_TOKEN),
        ("Bearer wrong", WRONG),
        (f"Bearer {TOKEN}x", WRONG),
        (f"Bearer {TOKEN[:-1]}", WRONG),
        ("Bearer grün", WRONG),
        (f"Bearer {TOKEN}", RIGHT),
        (f"bearer   {TOKEN}", RIGHT),
    ],
)
async def test_matrix(api: Api, authorization: str | None, table: dict[str, int]) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for route in ROUTES:
        path = route.path.format(name="default")
        body = BODIES[path.rpartition("/")[2]] if route.changes else None
        answer = await api.ask(route.method, path, json=body, headers=headers)
        assert answer.status == expected(route, table), f"{route.method} {path}"
        if answer.status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert "AUTOSCALER_TOKEN" in answer.document["hint"]
    assert api.woken == (["pause", "resume", "scale"] if table is RIGHT else [])


def test_every_change_is_a_post_with_a_body() -> None:
    assert {route.method for route in ROUTES} == {"GET", "POST"}
    assert all((route.body is not None) == route.changes for route in ROUTES)


async def test_without_a_token_nothing_can_be_changed(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        api.observe(tick())
        answer = await api.post("/api/v1/fleets/default/pause", {"reason": "r"}, token="anything")
        assert answer.status == 403
        assert answer.document["hint"] == (
            "set `http: {token: {env: AUTOSCALER_TOKEN}}` in the config"
        )


async def test_a_token_that_is_rotated_is_live_at_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    path, why = "/api/v1/fleets/default/pause", {"reason": "r"}
    async with running(tmp_path, Secret(str(file), "file")) as api:
        api.observe(tick())
        assert (await api.post(path, why, token="first")).status == 200
        file.write_text("second\n")
        assert (await api.post(path, why, token="first")).status == 401
        assert (await api.post(path, why, token="second")).status == 200
        file.write_text("")
        assert (await api.post(path, why, token="")).status == 403
        file.unlink()
        unreadable = await api.post(path, why, token="second")
        assert unreadable.status == 503
        assert "second" not in unreadable.text

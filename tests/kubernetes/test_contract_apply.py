"""Server-side apply, dry runs, and who owns a field: of the fake, and of a real control plane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.kinds import BY_NAME, Item
from tests.kubernetes.plane import STRICT, Answer, Plane, plane

CONTAINER = {"name": "worker", "image": "none"}
APPLY = "application/apply-patch+yaml"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


def workload(replicas: int | None, **metadata: Any) -> Item:
    labels = {"app": "worker"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}}
    spec: Item = {"selector": {"matchLabels": labels}, "template": template}
    spec |= {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"name": "worker", **metadata}, "spec": spec}


async def apply(
    api: Plane, config: Item, manager: str, subresource: str = "", **params: str
) -> Answer:
    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
    if subresource == "scale":
        kind = {"apiVersion": "autoscaling/v1", "kind": "Scale"}
    path = api.path("Deployment", "worker", subresource)
    return await api.ask(
        "PATCH", path, {**kind, **config}, {"fieldManager": manager, **params}, APPLY
    )


def owners(item: Item, *path: str) -> list[tuple[str, str]]:
    """Manager and operation of each entry that has the path in its fieldsV1."""
    found = []
    for entry in item["metadata"]["managedFields"]:
        fields: Any = entry["fieldsV1"]
        for step in path:
            fields = None if fields is None else fields.get(step)
        if fields is not None:
            found.append((entry["manager"], entry["operation"]))
    return sorted(found)


REPLICAS = ("f:spec", "f:replicas")


async def test_apply_creates_and_then_changes(api: Plane) -> None:
    made = await apply(api, workload(1), "git")
    assert made.status == 201, made.body
    changed = await apply(api, workload(2), "git")
    assert (changed.status, changed.body["spec"]["replicas"]) == (200, 2)
    assert owners(changed.body, *REPLICAS) == [("git", "Apply")]
    again = await apply(api, workload(2), "git")
    assert again.body["metadata"]["generation"] == changed.body["metadata"]["generation"] == 2
    assert owners(again.body, *REPLICAS) == [("git", "Apply")]


async def test_what_another_owns_is_a_conflict_unless_forced(api: Plane) -> None:
    await apply(api, workload(1), "git")
    await api.patch("Deployment", "worker", {"spec": {"replicas": 5}}, "scale")
    refused = await apply(api, workload(1), "git")
    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    who = '"contract" with subresource "scale" using apps/v1'
    message = f"Apply failed with 1 conflict: conflict with {who}: .spec.replicas"
    assert refused.body["message"] == message
    cause = {"reason": "FieldManagerConflict", "message": f"conflict with {who}"}
    assert refused.body["details"]["causes"] == [{**cause, "field": ".spec.replicas"}]
    forced = await apply(api, workload(1), "git", force="true")
    assert forced.body["spec"]["replicas"] == 1
    assert owners(forced.body, *REPLICAS) == [("git", "Apply")]


async def test_two_may_want_the_same_and_own_it_together(api: Plane) -> None:
    await apply(api, workload(3), "git")
    both = await apply(api, {"spec": {"replicas": 3}, "metadata": {"name": "worker"}}, "keda")
    assert both.status == 200, both.body
    assert owners(both.body, *REPLICAS) == [("git", "Apply"), ("keda", "Apply")]
    left = await apply(api, workload(None), "git")
    assert left.body["spec"]["replicas"] == 3
    assert owners(left.body, *REPLICAS) == [("keda", "Apply")]


async def test_what_is_no_longer_applied_goes_or_gets_its_default(api: Plane) -> None:
    await apply(api, workload(3, annotations={"a": "1", "b": "2"}), "git")
    made = await apply(api, workload(None, annotations={"b": "2"}), "git")
    assert made.body["metadata"]["annotations"] == {"b": "2"}
    assert made.body["spec"]["replicas"] == 1


async def test_replicas_can_be_applied_to_the_scale(api: Plane) -> None:
    await apply(api, workload(None), "git")
    scale = {"metadata": {"name": "worker"}, "spec": {"replicas": 4}}
    made = await apply(api, scale, "daemon", "scale")
    assert made.status == 200, made.body
    assert made.body["kind"] == "Scale"
    found = await api.get("Deployment", "worker")
    assert found["spec"]["replicas"] == 4
    entry = next(e for e in found["metadata"]["managedFields"] if e["manager"] == "daemon")
    assert (entry["operation"], entry["subresource"]) == ("Apply", "scale")


async def test_containers_are_owned_one_by_one(api: Plane) -> None:
    await apply(api, workload(0), "git")
    side = {"name": "side", "image": "car"}
    config = {"metadata": {"name": "worker"}}
    config |= {"spec": {"template": {"spec": {"containers": [side]}}}}
    made = (await apply(api, config, "mesh")).body
    names = {one["name"] for one in made["spec"]["template"]["spec"]["containers"]}
    assert names == {"worker", "side"}
    above = ("f:spec", "f:template", "f:spec", "f:containers")
    assert owners(made, *above, 'k:{"name":"side"}', "f:image") == [("mesh", "Apply")]
    assert owners(made, *above, 'k:{"name":"worker"}', "f:image") == [("git", "Apply")]


async def test_an_apply_needs_a_manager_and_known_fields(api: Plane) -> None:
    path = api.path("Deployment", "worker")
    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
    nameless = await api.ask("PATCH", path, {**kind, **workload(1)}, {}, APPLY)
    assert nameless.status in (400, 422), nameless.body
    assert "fieldManager" in nameless.body["message"]
    config = workload(1)
    config["spec"]["replica"] = 2
    unknown = await apply(api, config, "git")
    assert unknown.status >= 400
    assert ".spec.replica: field not declared in schema" in unknown.body["message"]


async def test_an_update_takes_the_fields_that_it_changes(api: Plane) -> None:
    await apply(api, workload(1, annotations={"a": "1"}), "git")
    patched = await api.patch("Deployment", "worker", {"spec": {"replicas": 2}})
    assert owners(patched.body, *REPLICAS) == [("contract", "Update")]
    selector = ("f:spec", "f:selector")
    assert owners(patched.body, *selector) == [("git", "Apply")]
    assert owners(patched.body, "f:metadata", "f:annotations", "f:a") == [("git", "Apply")]


@pytest.mark.parametrize("verb", ["create", "patch", "scale", "delete"])
async def test_a_dry_run_answers_and_does_nothing(api: Plane, verb: str) -> None:
    if verb != "create":
        await api.create("Deployment", workload(1))
    dry = {**STRICT, "dryRun": "All"}
    merge, path = "application/merge-patch+json", api.path("Deployment", "worker")
    kind = {"apiVersion": BY_NAME["Deployment"].api_version, "kind": "Deployment"}
    body: Item = {"spec": {"replicas": 7}}
    if verb == "create":
        posted = {**kind, **workload(7)}
        answer = await api.ask("POST", api.path("Deployment"), posted, dry)
        assert answer.status == 201, answer.body
        assert (await api.ask("GET", path)).status == 404
        return
    if verb == "delete":
        answer = await api.ask("DELETE", path, params={"dryRun": "All"})
    else:
        where = f"{path}/scale" if verb == "scale" else path
        answer = await api.ask("PATCH", where, body, dry, merge)
        assert answer.body["spec"]["replicas"] == 7
    assert answer.status == 200, answer.body
    assert (await api.get("Deployment", "worker"))["spec"]["replicas"] == 1


async def test_a_dry_run_is_refused_for_the_same_reasons(api: Plane) -> None:
    await api.create("Deployment", workload(1))
    body = {"spec": {"replicas": -1}}
    params = {**STRICT, "dryRun": "All"}
    path, merge = api.path("Deployment", "worker"), "application/merge-patch+json"
    assert (await api.ask("PATCH", path, body, params, merge)).status == 422
    unknown = await api.ask("PATCH", path, {}, {**STRICT, "dryRun": "Some"}, merge)
    assert unknown.status in (400, 422)

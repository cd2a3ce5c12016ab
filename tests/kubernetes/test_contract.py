"""What we rely on of the API: of the fake one, and with KUBECONFIG of a real control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.kinds import Item
from tests.kubernetes.plane import Plane, plane

POD = {"containers": [{"name": "worker", "image": "none"}], "schedulerName": "nobody"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


def workload(replicas: int, name: str = "worker", **spec: Any) -> Item:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": POD}
    wanted = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name}, "spec": {**wanted, **spec}}


def pod(name: str = "worker-1", **labels: str) -> Item:
    return {"metadata": {"name": name, "labels": {"app": "worker", **labels}}, "spec": POD}


def lease(holder: str, **spec: Any) -> Item:
    times = {"renewTime": "2026-11-22T10:00:00.000000Z", "leaseDurationSeconds": 15}
    return {"metadata": {"name": "leader"}, "spec": {"holderIdentity": holder, **times, **spec}}


async def write_scale(api: Plane, replicas: int, kind: str = "Deployment") -> Item:
    """Again while controllers write in between."""
    for _ in range(20):
        scale = await api.get(kind, "worker", "scale")
        version = scale["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
        answer = await api.patch(kind, "worker", body, "scale")
        if answer.status != 409:
            assert answer.status == 200, answer.body
            return answer.body
    raise AssertionError("never without a conflict")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_a_scale_is_written_under_a_precondition(api: Plane, kind: str) -> None:
    made = await api.create(kind, workload(3))
    written = await write_scale(api, 5, kind)
    assert written["kind"] == "Scale"
    assert written["spec"] == {"replicas": 5}
    assert written["status"]["selector"] == "app=worker"
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    answer = await api.patch(kind, "worker", {**stale, "spec": {"replicas": 1}}, "scale")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.body["message"]
    assert (await api.get(kind, "worker"))["spec"]["replicas"] == 5


async def test_a_scale_of_zero_has_no_replicas(api: Plane) -> None:
    await api.create("Deployment", workload(3))
    assert (await write_scale(api, 0))["spec"] == {}
    assert (await api.get("Deployment", "worker"))["spec"]["replicas"] == 0


async def test_replicas_below_zero_are_refused(api: Plane) -> None:
    await api.create("Deployment", workload(3))
    answer = await api.patch("Deployment", "worker", {"spec": {"replicas": -1}}, "scale")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


async def test_managed_fields_tell_who_wrote_the_replicas(api: Plane) -> None:
    await api.create("Deployment", workload(3))
    await write_scale(api, 4)
    fields = (await api.get("Deployment", "worker"))["metadata"]["managedFields"]
    owners = [
        (entry["manager"], entry["operation"], entry.get("subresource"), entry["apiVersion"])
        for entry in fields
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    ]
    assert owners == [("contract", "Update", "scale", "apps/v1")]


async def test_unknown_fields_are_refused_where_validation_is_strict(api: Plane) -> None:
    made = await api.create("Deployment", workload(3))
    for subresource in ("", "scale"):
        answer = await api.patch("Deployment", "worker", {"spec": {"replica": 1}}, subresource)
        assert answer.status in (400, 422), answer.body
        assert 'unknown field "spec.replica"' in answer.body["message"]
    made["spec"]["template"]["spec"]["containers"][0]["imge"] = "x"
    answer = await api.update("Deployment", made)
    assert answer.status == 400
    assert 'unknown field "spec.template.spec.containers[0].imge"' in answer.body["message"]


async def test_generation_grows_with_the_spec_only(api: Plane) -> None:
    made = await api.create("Deployment", workload(0))
    assert made["metadata"]["generation"] == 1
    body: Item = {"metadata": {"annotations": {"a": "b"}}}
    noted = (await api.patch("Deployment", "worker", body)).body
    assert noted["metadata"]["generation"] == 1
    scaled = (await api.patch("Deployment", "worker", {"spec": {"replicas": 1}})).body
    assert scaled["metadata"]["generation"] == 2


async def test_a_pod_is_annotated_as_it_was_read_or_not_at_all(api: Plane) -> None:
    made = (await api.create("Pod", pod()))["metadata"]
    seen = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    first = await api.patch("Pod", "worker-1", {"metadata": {**seen, "annotations": {"a": "1"}}})
    assert first.body["metadata"]["annotations"] == {"a": "1"}
    later = await api.patch("Pod", "worker-1", {"metadata": {**seen, "annotations": {"a": "2"}}})
    assert (later.status, later.body["reason"]) == (409, "Conflict")
    other = {"uid": "c0ffee00-0000-0000-0000-000000000000", "annotations": {"a": "3"}}
    assert (await api.patch("Pod", "worker-1", {"metadata": other})).status in (409, 422)
    gone = await api.patch("Pod", "worker-1", {"metadata": {"annotations": {"a": None}}})
    assert "annotations" not in gone.body["metadata"]


async def test_a_write_that_changes_nothing_is_none(api: Plane) -> None:
    await api.create("Pod", pod())
    body = {"metadata": {"annotations": {"a": "1"}}}
    first = (await api.patch("Pod", "worker-1", body)).body
    assert (await api.patch("Pod", "worker-1", body)).body == first


async def test_a_json_patch_tests_first(api: Plane) -> None:
    await api.create("Deployment", workload(0))
    test = {"op": "test", "path": "/spec/replicas", "value": 7}
    change = {"op": "replace", "path": "/spec/replicas", "value": 1}
    media_type = "application/json-patch+json"
    answer = await api.patch("Deployment", "worker", [test, change], "", media_type)
    assert answer.status == 422
    test["value"] = 0
    answer = await api.patch("Deployment", "worker", [test, change], "", media_type)
    assert answer.body["spec"]["replicas"] == 1


async def test_a_strategic_patch_merges_containers_by_name(api: Plane) -> None:
    await api.create("Deployment", workload(0))
    containers = [{"name": "worker", "image": "new"}, {"name": "side", "image": "car"}]
    body = {"spec": {"template": {"spec": {"containers": containers[::-1]}}}}
    media_type = "application/strategic-merge-patch+json"
    answer = await api.patch("Deployment", "worker", body, "", media_type)
    found = answer.body["spec"]["template"]["spec"]["containers"]
    assert {one["name"]: one["image"] for one in found} == {"worker": "new", "side": "car"}


async def test_what_is_not_there_or_there_twice_is_told(api: Plane) -> None:
    missing = await api.ask("GET", api.path("Deployment", "nobody"))
    assert (missing.status, missing.body["reason"]) == (404, "NotFound")
    assert missing.body["message"] == 'deployments.apps "nobody" not found'
    await api.create("Lease", lease("a"))
    again = await api.ask("POST", api.path("Lease"), lease("b"))
    assert (again.status, again.body["reason"]) == (409, "AlreadyExists")


async def test_of_two_that_take_a_lease_one_gets_it(api: Plane) -> None:
    seen = await api.create("Lease", lease("a"))
    for holder, status in (("b", 200), ("c", 409)):
        answer = await api.update("Lease", {**lease(holder), "metadata": seen["metadata"]})
        assert answer.status == status, answer.body
    assert (await api.get("Lease", "leader"))["spec"]["holderIdentity"] == "b"


async def test_lease_times_have_microseconds(api: Plane) -> None:
    body = lease("a", renewTime="2026-11-22T10:00:00Z")
    assert (await api.ask("POST", api.path("Lease"), body)).status == 400


async def test_lists_come_in_pages_of_one_version(api: Plane) -> None:
    for number in range(5):
        await api.create("Pod", pod(f"worker-{number}"))
    names, versions, token = [], set(), ""
    while True:
        params = {"limit": "2", "labelSelector": "app=worker"}
        page = await api.ask("GET", api.path("Pod"), params=params | {"continue": token})
        names += [item["metadata"]["name"] for item in page.body["items"]]
        versions.add(page.body["metadata"]["resourceVersion"])
        token = page.body["metadata"].get("continue", "")
        if not token:
            break
        await api.create("Pod", pod(f"a-late-{len(names)}"))
    assert names == [f"worker-{number}" for number in range(5)]
    assert len(versions) == 1


async def test_a_watch_goes_on_from_a_list(api: Plane) -> None:
    await api.create("Pod", pod("before"))
    version = (await api.ask("GET", api.path("Pod"))).body["metadata"]["resourceVersion"]
    await api.create("Pod", pod("worker-1", colour="red"))
    await api.patch("Pod", "worker-1", {"metadata": {"annotations": {"a": "1"}}})
    await api.patch("Pod", "worker-1", {"metadata": {"labels": {"colour": "blue"}}})
    await api.delete("Pod", "worker-1")
    events, red, other = await asyncio.gather(
        api.events("Pod", version),
        api.events("Pod", version, labelSelector="colour=red"),
        api.events("Pod", version, fieldSelector="metadata.name=before"),
    )
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert {item["metadata"]["name"] for _, item in events} == {"worker-1"}
    versions = [int(item["metadata"]["resourceVersion"]) for _, item in events]
    assert versions == sorted(set(versions))
    assert [kind for kind, _ in red] == ["ADDED", "MODIFIED", "DELETED"]
    assert other == []

"""A lease as an object of Kubernetes: how it looks, and what is said when it cannot be had."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from autoscaler.errors import LeaseError
from autoscaler.leader.lease import Found, Lease
from tests.leader.stores import on_kubernetes
from tests.servers import free_port

LEASE = Lease("host_1_abc", 7, 1_800_000_000_000_000, 15.0)
KEY = ("airflow", "autoscaler")


@pytest.fixture
async def scene(tmp_path):
    async with on_kubernetes(tmp_path) as made:
        yield made


async def test_the_object_is_what_kubectl_expects_and_keeps_what_others_put_on_it(scene):
    store = scene.store()
    await store.replace(Found(), LEASE)
    spec = scene.api.objects[KEY]["spec"]
    assert spec == {
        "holderIdentity": "host_1_abc",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 7,
        "acquireTime": "2027-01-15T08:00:00.000000Z",
        "renewTime": "2027-01-15T08:00:00.000000Z",
    }
    scene.api.objects[KEY]["metadata"]["labels"] = {"team": "data"}
    found = await store.read()
    later = replace(LEASE, renewed_at=LEASE.renewed_at + 5_000_000)
    assert await store.replace(found, later)
    written = scene.api.objects[KEY]
    assert written["metadata"]["labels"] == {"team": "data"}
    assert written["spec"]["acquireTime"] == "2027-01-15T08:00:00.000000Z"
    assert written["spec"]["renewTime"] == "2027-01-15T08:00:05.000000Z"


async def test_a_lease_with_nothing_in_it_is_free(scene):
    metadata = {"namespace": KEY[0], "name": KEY[1], "resourceVersion": "5"}
    scene.api.objects[KEY] = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {},
    }
    found = await scene.store().read()
    assert found.lease == Lease("", 0, 0, 0.0)
    assert await scene.store().replace(found, LEASE)


async def test_one_that_was_deleted_meanwhile_is_not_replaced(scene):
    store = scene.store()
    written = await store.replace(Found(), LEASE)
    scene.api.objects.clear()
    assert await store.replace(written, LEASE) is None
    assert await store.read() == Found()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not know our token"),
        (403, "get, create and update leases.coordination.k8s.io"),
        (429, "too much to do"),
        (500, "500 Internal Server Error"),
    ],
)
async def test_refusals_say_what_to_do_and_heal(scene, status, said):
    store = scene.store()
    scene.api.fault = status
    with pytest.raises(LeaseError, match=said):
        await store.read()
    with pytest.raises(LeaseError, match=said):
        await store.replace(Found(), LEASE)
    scene.api.fault = None
    assert await store.replace(Found(), LEASE)


async def test_a_namespace_that_is_not_there(scene):
    scene.api.fault = 404
    with pytest.raises(LeaseError, match="no such namespace"):
        await scene.store().replace(Found(), LEASE)


async def test_a_server_that_is_gone_and_no_cluster_at_all(scene, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    with pytest.raises(LeaseError, match="no cluster to keep the lease in"):
        await scene.store().read()
    text = (tmp_path / "kubeconfig").read_text()
    (tmp_path / "other").write_text(re.sub(r"127.0.0.1:\d+", f"127.0.0.1:{free_port()}", text))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "other"))
    with pytest.raises(LeaseError, match="API server cannot be reached"):
        await scene.store().read()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    with pytest.raises(LeaseError, match="no cluster to keep the lease in"):
        await scene.store().read()


async def test_outside_of_a_pod_the_namespace_is_the_default_one(scene):
    store = scene.store(namespace=None)
    await store.replace(Found(), LEASE)
    assert [*scene.api.objects] == [("default", "autoscaler")]

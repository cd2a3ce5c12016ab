"""What is seen through watches, and what is never believed: an old view is no view."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from autoscaler.clients.kubernetes import view
from autoscaler.errors import TargetConflict, TargetError
from tests.clients.kubernetes.controllers import NAMESPACE
from tests.clients.kubernetes.server import cluster as small_cluster
from tests.clients.kubernetes.server import status_of
from tests.servers import eventually
from tests.targets.kubernetes_rig import (
    NOW,
    adding,
    drained,
    remove,
    running,
    target_of,
    units,
    watching,
)


@pytest.fixture
async def cluster():
    async with small_cluster() as made:
        yield made


@pytest.fixture
async def target(cluster, tmp_path):
    cluster.workload("deployments", 3)
    made = target_of(cluster, tmp_path, timeout_seconds=2)
    yield made
    await made.aclose()


async def test_a_watch_takes_one_list_and_then_none(cluster, target):
    async with watching(target) as woken:
        await running(target, 3)
        await target.add(adding(1))
        await running(target, 4)
        await cluster.cut_watches()
        await target.add(adding(2))
        await running(target, 5)
        assert "pods of default changed" in woken
        assert sorted(cluster.asked("list")) == [
            "list deployments",
            "list horizontalpodautoscalers",
            "list pods",
        ]


async def test_a_mark_is_seen_at_the_next_look_though_the_watch_lags(cluster, target):
    async with watching(target):
        [name, *_] = await running(target, 3)
        cluster.hold_events = True
        await drained(target, name)
        assert (await units(target))[name].drain is not None


async def test_an_expired_version_is_listed_anew(cluster, target):
    async with watching(target):
        [name, *_] = await running(target, 3)
        cluster.hold_events = True
        cluster.controllers.end(name)
        await asyncio.sleep(0)
        cluster.objects.expire()
        cluster.hold_events = False
        await cluster.cut_watches()

        async def replaced():
            found = await units(target)
            return name not in found and len(found) == 3

        await eventually(replaced, "what happened meanwhile")
        assert cluster.asked("list").count("list pods") == 2


async def test_a_view_that_grows_old_is_missing_and_never_empty(cluster, target, monkeypatch):
    async with watching(target):
        names = await running(target, 3)
        cluster.faults.append(lambda _: status_of(500, "etcd is gone"))
        await cluster.cut_watches()
        assert sorted(await units(target)) == names
        monkeypatch.setattr(view, "STALE_SECONDS", 0.3)

        async def stale():
            try:
                found = await units(target)
            except TargetError as error:
                return "not seen for" in str(error) and "etcd is gone" in str(error)
            assert sorted(found) == names
            return False

        await eventually(stale, "an error instead of an old view")
        cluster.faults.clear()

        async def back():
            try:
                return sorted(await units(target)) == names
            except TargetError:
                return False

        await eventually(back, "a view again")


async def test_a_workload_that_is_gone_is_an_error(cluster, target):
    async with watching(target):
        await running(target, 3)
        cluster.objects.delete(("deployments", NAMESPACE, "worker"))

        async def gone():
            try:
                await units(target)
            except TargetError as error:
                return "there is no Deployment airflow/worker" in str(error)
            return False

        await eventually(gone, "the error")


async def test_a_server_that_wants_rest_is_left_alone(cluster, target):
    cluster.faults.append(lambda _: status_of(429, "slow down", **{"Retry-After": "60"}))
    with pytest.raises(TargetError, match="asks to wait 60 s"):
        await units(target)
    asked = len(cluster.calls)
    with pytest.raises(TargetError, match="wants another 60 s of rest"):
        await units(target)
    assert len(cluster.calls) == asked


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ("list deployments", 'apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"]'),
        ("list pods", 'apiGroups: [""], resources: ["pods"], verbs: ["list"]'),
    ],
)
async def test_a_missing_rule_is_named_when_reading(cluster, target, refused, words):
    cluster.faults.append(lambda call: status_of(403) if str(call) == refused else None)
    with pytest.raises(TargetError) as caught:
        await units(target)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "refused", ["get deployments/scale worker", "patch deployments/scale worker"]
)
async def test_a_missing_rule_is_named_when_writing(cluster, target, refused):
    await running(target, 3)
    cluster.faults.append(lambda call: status_of(403) if str(call) == refused else None)
    verb = refused.split()[0]
    with pytest.raises(TargetError, match=rf'"deployments/scale"\], verbs: \["{verb}"\]'):
        await target.add(adding(1))


async def test_a_token_that_was_rotated_is_read_anew(cluster, target, tmp_path):
    await running(target, 3)
    cluster.token = "token-2"
    cluster.kubeconfig(tmp_path)
    with pytest.raises(TargetError, match="credentials are not accepted"):
        await units(target)
    assert len(await units(target)) == 3


async def test_a_storm_of_conflicts_lowers_nothing(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.faults.append(
        lambda call: (
            status_of(409, "modified") if call.subresource and call.verb == "patch" else None
        )
    )
    with pytest.raises(TargetConflict):
        await target.remove([remove(names[0], 5)])
    assert cluster.replicas() == 3
    assert cluster.asked("patch").count("patch deployments/scale worker") == 3


async def test_a_slow_server_is_an_error_and_not_an_empty_fleet(cluster, target):
    await running(target, 3)

    target._replicas._cluster.lease.connection._timeout_seconds = 0.2
    cluster.delay = 1.0
    with pytest.raises(TargetError, match=r"no answer within 0\.2 s"):
        await units(target)
    cluster.delay = 0.0


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"items": null}', '{"metadata": {}, "items": []}']
)
async def test_answers_in_part_are_no_answers(cluster, target, body):
    cluster.faults.append(lambda call: web.Response(text=body) if call.plural == "pods" else None)
    with pytest.raises(TargetError, match="list pods"):
        await units(target)


async def test_a_server_that_is_away_is_an_error(tmp_path):
    async with small_cluster() as cluster:
        path = cluster.kubeconfig(tmp_path)
    target = target_of(cluster, tmp_path, kubeconfig=path)
    with pytest.raises(TargetError, match="cannot be reached"):
        await target.units(NOW)
    await target.aclose()


async def test_a_login_that_cannot_be_had_says_so(cluster, tmp_path):
    target = target_of(cluster, tmp_path, kubeconfig=tmp_path / "nowhere")
    with pytest.raises(TargetError, match="no login by"):
        await target.units(NOW)
    outside = target_of(cluster, tmp_path, kubeconfig=None)
    with pytest.raises(TargetError, match="outside a cluster say kubeconfig"):
        await outside.units(NOW)
    await target.aclose()
    await outside.aclose()


async def test_lists_come_in_pages(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("autoscaler.clients.kubernetes.connection.PAGE", 2)
    cluster.workload("deployments", 5)
    target = target_of(cluster, tmp_path)
    assert len(await running(target, 5)) == 5
    await target.aclose()


async def test_fleets_that_log_in_alike_share_one_session(cluster, tmp_path):
    cluster.workload("deployments", 1)
    cluster.workload("deployments", 2, name="other")
    one, two = target_of(cluster, tmp_path), target_of(cluster, tmp_path, deployment="other")
    await running(one, 1)
    await running(two, 2)
    assert cluster.asked("list").count("list horizontalpodautoscalers") == 1
    await one.aclose()
    assert len(await units(two)) == 2
    await two.aclose()

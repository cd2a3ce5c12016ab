"""What is seen through watches, and what is never believed: an old view is no view."""

from __future__ import annotations

import asyncio

import pytest

from autoscaler.clients.kubernetes import view
from autoscaler.errors import TargetConflict, TargetError
from tests.kubernetes.cluster import NAMESPACE, TOKEN
from tests.kubernetes.cluster import cluster as whole_cluster
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
async def target(cluster, tmp_path):
    cluster.deployment("worker", 3)
    made = target_of(cluster, tmp_path, timeout_seconds=2)
    yield made
    await made.aclose()


async def test_a_watch_takes_one_list_and_then_none(cluster, target):
    async with watching(target) as woken:
        await running(target, 3)
        await target.add(adding(1))
        await running(target, 4)
        cluster.watches.cut()
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
        cluster.watches.pause()
        await drained(target, name)
        assert (await units(target))[name].drain is not None


async def test_an_expired_version_is_listed_anew(cluster, target):
    async with watching(target):
        [name, *_] = await running(target, 3)
        cluster.watches.pause()
        cluster.delete_pod(name)
        await asyncio.sleep(0)
        cluster.watches.expire()
        cluster.watches.resume()
        cluster.watches.cut()

        async def replaced():
            found = await units(target)
            return name not in found and len(found) == 3

        await eventually(replaced, "what happened meanwhile")
        assert cluster.asked("list").count("list pods") == 2


async def test_a_view_that_grows_old_is_missing_and_never_empty(cluster, target, monkeypatch):
    async with watching(target):
        names = await running(target, 3)
        cluster.faults.answer(500)
        cluster.watches.cut()
        assert sorted(await units(target)) == names
        monkeypatch.setattr(view, "STALE_SECONDS", 0.3)

        async def stale():
            try:
                found = await units(target)
            except TargetError as error:
                return "not seen for" in str(error) and "answered 500" in str(error)
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
        cluster.api.delete(("deployments", NAMESPACE, "worker"), {})

        async def gone():
            try:
                await units(target)
            except TargetError as error:
                return "there is no Deployment airflow/worker" in str(error)
            return False

        await eventually(gone, "the error")


async def test_a_server_that_wants_rest_is_left_alone(cluster, target):
    cluster.faults.throttle(60)
    with pytest.raises(TargetError, match="asks to wait 60 s"):
        await units(target)
    asked = len(cluster.requests)
    with pytest.raises(TargetError, match="wants another 60 s of rest"):
        await units(target)
    assert len(cluster.requests) == asked


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ("list deployments", 'apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"]'),
        ("list pods", 'apiGroups: [""], resources: ["pods"], verbs: ["list"]'),
    ],
)
async def test_a_missing_rule_is_named_when_reading(cluster, target, refused, words):
    cluster.faults.answer(403, refused)
    with pytest.raises(TargetError) as caught:
        await units(target)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "refused", ["get deployments/scale worker", "patch deployments/scale worker"]
)
async def test_a_missing_rule_is_named_when_writing(cluster, target, refused):
    await running(target, 3)
    cluster.faults.answer(403, refused)
    verb = refused.split()[0]
    with pytest.raises(TargetError, match=rf'"deployments/scale"\], verbs: \["{verb}"\]'):
        await target.add(adding(1))


async def test_a_token_that_was_rotated_is_read_anew(cluster, target, tmp_path):
    await running(target, 3)
    cluster.users.revoke(TOKEN)
    cluster.users.allow("token-2")
    cluster.kubeconfig(tmp_path, "token-2")
    with pytest.raises(TargetError, match="credentials are not accepted"):
        await units(target)
    assert len(await units(target)) == 3


async def test_a_storm_of_conflicts_lowers_nothing(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.faults.conflict("patch deployments/scale")
    with pytest.raises(TargetConflict):
        await target.remove([remove(names[0], 5)])
    assert cluster.replicas() == 3
    assert cluster.asked("patch").count("patch deployments/scale worker") == 3


async def test_a_slow_server_is_an_error_and_not_an_empty_fleet(cluster, target):
    await running(target, 3)

    cluster.faults.hang("list pods")
    with pytest.raises(TargetError, match="list pods airflow: no answer within 2 s"):
        await units(target)


@pytest.mark.parametrize("what", ["list pods", "list deployments"])
async def test_answers_in_part_are_no_answers(cluster, target, what):
    cluster.faults.cut(what)
    with pytest.raises(TargetError, match=f"{what} airflow: the answer was cut off"):
        await units(target)


async def test_a_server_that_is_away_is_an_error(tmp_path):
    async with whole_cluster() as cluster:
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
    cluster.deployment("worker", 5)
    target = target_of(cluster, tmp_path)
    assert len(await running(target, 5)) == 5
    await target.aclose()


async def test_fleets_that_log_in_alike_share_one_session(cluster, tmp_path):
    cluster.deployment("worker", 1)
    cluster.deployment("other", 2)
    one, two = target_of(cluster, tmp_path), target_of(cluster, tmp_path, deployment="other")
    await running(one, 1)
    await running(two, 2)
    assert cluster.asked("list").count("list horizontalpodautoscalers") == 1
    await one.aclose()
    assert len(await units(two)) == 2
    await two.aclose()

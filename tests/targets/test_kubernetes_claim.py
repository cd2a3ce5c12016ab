"""Whose the number is: another writer is named and not fought; annotations pause or hold."""

from __future__ import annotations

import pytest

from autoscaler.errors import TargetConflict
from tests.kubernetes.cluster import NAMESPACE
from tests.targets.kubernetes_rig import NOW, adding, drained, remove, running, target_of, units


def hpa(cluster, name="worker", **labels):
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}
    spec = {"scaleTargetRef": ref, "maxReplicas": 9}
    manifest = {"metadata": {"name": name, "labels": labels}, "spec": spec}
    cluster.create("HorizontalPodAutoscaler", manifest)


async def test_who_made_the_workload_is_no_rival(target):
    await running(target, 3)
    assert target.override(NOW) is None


@pytest.mark.parametrize("manager", ["keda", "argocd-controller", "helm", "kubectl"])
async def test_another_writer_holds_the_fleet_and_nothing_is_written(cluster, target, manager):
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.scale(4, manager)
    await running(target, 4)
    held = target.override(NOW)
    assert (held.contested, held.actor, held.replicas) == (True, manager, None)
    for refused in (target.add(adding(5)), target.remove([remove(names[0], 6)])):
        with pytest.raises(TargetConflict, match="changed replicas of worker from 3 to 4"):
            await refused
    assert cluster.replicas() == 4


async def test_our_own_writes_are_nobody_elses(cluster, target):
    names = await running(target, 3)
    await target.add(adding(1))
    await running(target, 4)
    assert target.override(NOW) is None
    await drained(target, names[0], first=2)
    await target.remove([remove(names[0], 5)])
    await running(target, 3)
    assert target.override(NOW) is None


async def test_a_second_daemon_of_ours_is_no_rival(cluster, target, tmp_path):
    await running(target, 3)
    second = target_of(cluster, tmp_path)
    await units(second)
    await target.add(adding(1))
    await running(second, 4)
    assert second.override(NOW) is None
    await second.aclose()


async def test_an_autoscaler_of_the_cluster_is_named_while_it_is_there(cluster, target):
    hpa(cluster)
    await running(target, 3)
    held = target.override(NOW)
    assert held.actor == "HorizontalPodAutoscaler worker"
    assert "delete it, or leave this fleet to it" in held.reason
    with pytest.raises(TargetConflict):
        await target.add(adding(1))


async def test_kedas_autoscaler_is_called_by_its_own_name(cluster, target):
    hpa(cluster, "keda-hpa-worker", **{"scaledobject.keda.sh/name": "worker"})
    await units(target)
    assert target.override(NOW).actor == "KEDA's ScaledObject worker"


async def test_once_the_autoscaler_is_gone_so_is_the_hold(cluster, target, monkeypatch):
    monkeypatch.setattr("autoscaler.clients.kubernetes.autoscalers.LIST_WHILE_HELD_SECONDS", 0)
    hpa(cluster)
    await running(target, 3)
    cluster.scale(4, "kube-controller-manager")
    await running(target, 4)
    assert target.override(NOW).contested
    cluster.api.delete(("horizontalpodautoscalers", NAMESPACE, "worker"), {})
    await units(target)
    assert target.override(NOW) is None


async def test_without_leave_to_look_for_autoscalers_their_writes_still_hold(cluster, target):
    cluster.faults.answer(403, "list horizontalpodautoscalers")
    await running(target, 3)
    assert target.override(NOW) is None
    cluster.scale(4, "kube-controller-manager")
    await running(target, 4)
    assert "a HorizontalPodAutoscaler changed replicas" in target.override(NOW).reason


@pytest.mark.parametrize(
    ("annotation", "value", "replicas"),
    [
        ("autoscaler/paused", "true", None),
        ("autoscaler/paused-replicas", "5", 5),
        ("autoscaler/paused-replicas", "five", None),
    ],
)
async def test_the_workload_itself_may_pause_its_fleet(
    cluster, target, annotation, value, replicas
):
    await running(target, 3)
    cluster.annotate("deployments", "worker", **{annotation: value})
    await units(target, NOW + 5)
    said = target.override(NOW + 5)
    assert (said.replicas, said.contested, said.created_at) == (replicas, False, NOW + 5)
    await units(target, NOW + 10)
    assert target.override(NOW + 10) == said
    cluster.annotate("deployments", "worker", **{annotation: None})
    await units(target, NOW + 15)
    assert target.override(NOW + 15) is None


async def test_a_rival_lets_go_by_a_word_on_the_workload(cluster, target):
    await running(target, 3)
    cluster.scale(4, "argocd-controller", "")
    await running(target, 4)
    assert target.override(NOW).contested
    cluster.annotate("deployments", "worker", **{"autoscaler/take-over": "12:00, by me"})
    await units(target)
    assert target.override(NOW) is None
    await target.add(adding(1))
    assert cluster.replicas() == 5

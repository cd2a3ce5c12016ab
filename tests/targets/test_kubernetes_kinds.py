"""Pods in odd states, other kinds of workload, nodes, shields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.clients.kubernetes import marks
from autoscaler.errors import TargetConflict, TargetError
from autoscaler.model import UnitPhase
from tests.kubernetes.cluster import NODE
from tests.kubernetes.containers import Pretended
from tests.kubernetes.faults import Fault, Harm
from tests.kubernetes.ownership import Author
from tests.servers import eventually
from tests.targets.kubernetes_rig import (
    NOW,
    WORKERS,
    adding,
    drained,
    left,
    remove,
    running,
    target_of,
    units,
)


async def test_a_pod_that_is_terminating_is_neither_capacity_nor_gone(cluster, target):
    cluster.kubelet.runner = Pretended(stop_seconds=None)
    names = await running(target, 3)
    cluster.delete_pod(names[0])

    async def replaced():
        found = await units(target)
        return len(found) == 4 and found[names[0]].phase is UnitPhase.TERMINATING

    await eventually(replaced, "a pod in its place")


async def test_what_cannot_be_placed_says_so(cluster, target):
    await running(target, 3)
    full = {**cluster.get("nodes", NODE, ""), "status": {"allocatable": {"pods": "3"}}}
    cluster.store.put(("nodes", "", NODE), full)
    await target.add(adding(1))

    async def told():
        return "unschedulable" in {unit.condition for unit in (await units(target)).values()}

    await eventually(told, "the condition")


async def test_ordinals_leave_from_the_top(cluster, tmp_path):
    cluster.statefulset("worker", 4)
    target = target_of(cluster, tmp_path, statefulset="worker")
    assert await running(target, 4) == [f"worker-{n}" for n in range(4)]
    assert (await units(target))["worker-2"].ordinal == 2
    await drained(target, "worker-1", "worker-3")
    with pytest.raises(TargetConflict, match="worker-1 cannot leave: worker-2"):
        await target.remove([remove("worker-1", 5), remove("worker-3", 6)])
    await target.remove([remove("worker-3", 7)])
    assert await left(target, "worker-3") == ["worker-0", "worker-1", "worker-2"]
    assert marks.COST not in str(cluster.requests)
    assert marks.LEAVING in str(cluster.requests)
    await target.aclose()


async def test_anything_with_a_scale(cluster, tmp_path):
    cluster.custom("worker", 3)
    ref = {"api_version": "example.com/v1", "kind": "Cluster", "name": "worker"}
    target = target_of(cluster, tmp_path, scale_target_ref=ref)
    names = await running(target, 3)
    await target.add(adding(1))
    names = await running(target, 4)
    await drained(target, names[0], first=5)
    with pytest.raises(TargetConflict, match="cannot be told which of them"):
        await target.remove([remove(names[0], 9)])
    assert cluster.replicas("clusters") == 4
    await target.aclose()


async def test_where_nobody_runs_tasks_any_replica_may_go(cluster, tmp_path):
    cluster.custom("worker", 3)
    ref = {"api_version": "example.com/v1", "kind": "Cluster", "name": "worker"}
    target = target_of(cluster, tmp_path, replace(WORKERS, queues=()), scale_target_ref=ref)
    names = await running(target, 3)
    await drained(target, names[0])
    await target.remove([remove(names[0], 5)])
    assert cluster.replicas("clusters") == 2
    await target.aclose()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("Nothing", "the cluster knows no Nothing")],
)
async def test_what_has_no_scale_is_refused(cluster, tmp_path, kind, words):
    ref = {"api_version": "example.com/v1", "kind": kind, "name": "worker"}
    target = target_of(cluster, tmp_path, scale_target_ref=ref)
    with pytest.raises(TargetError, match=words):
        await target.units(NOW)
    await target.aclose()


async def test_nodes_tell_of_zones_and_spot_and_are_asked_once(cluster, tmp_path):
    labels = {"topology.kubernetes.io/zone": "eu-1a", "karpenter.sh/capacity-type": "spot"}
    node = ("nodes", "", NODE)
    cluster.api.change(node, lambda i: i["metadata"]["labels"].update(labels), Author("kubelet"))
    cluster.deployment("worker", 3)
    target = target_of(cluster, tmp_path, read_nodes=True)
    names = await running(target, 3)
    await units(target)
    unit = (await units(target))[names[0]]
    assert (unit.zone, unit.spot) == ("eu-1a", True)
    assert cluster.asked("get").count("get nodes node-1") == 1
    await target.aclose()


async def test_busy_pods_are_shielded_and_told_so_once(cluster, target):
    names = await running(target, 3)
    busy = {names[0]: True, names[1]: False}
    await target.protect(busy)
    await units(target)
    await target.protect(busy)
    annotations = cluster.get("pods", names[0])["metadata"]["annotations"]
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert cluster.asked("patch") == [f"patch pods {names[0]}"]
    assert not (await units(target))[names[0]].shielded
    await drained(target, names[0])
    await target.remove([remove(names[0], 5)])
    body = next(
        call.body
        for call in reversed(cluster.requests)
        if call.verb == "patch" and call.plural == "pods"
    )
    assert body["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] is None


async def test_shields_can_be_switched_off(cluster, tmp_path):
    cluster.deployment("worker", 1)
    target = target_of(cluster, tmp_path, shield=False)
    [name] = await running(target, 1)
    await target.protect({name: True})
    assert cluster.asked("patch") == []
    await target.aclose()


async def test_a_pod_that_an_operator_shields_is_not_chosen(cluster, target):
    names = await running(target, 3)
    cluster.annotate("pods", names[0], **{marks.SHIELDED: "true"})
    assert (await units(target))[names[0]].shielded


@pytest.mark.parametrize("status", [403, 404])
async def test_nodes_that_cannot_be_read_cost_no_more_than_the_zone(cluster, tmp_path, status):
    cluster.deployment("worker", 2)
    cluster.faults.answer(status, "get nodes")
    target = target_of(cluster, tmp_path, read_nodes=True)
    names = await running(target, 2)
    assert (await units(target))[names[0]].zone == ""
    assert len(names) == 2
    await target.aclose()


async def test_a_number_that_moves_while_another_pod_left_is_not_raised(cluster, target):
    names = await running(target, 3)
    await drained(target, names[0])
    cluster.controllers.asleep = True

    def strike(call):
        if str(call) == "patch deployments/scale worker":
            cluster.delete_pod(names[1])
        elif str(call) == "get deployments/scale worker" and cluster.replicas() == 2:
            cluster.faults.clear()
            cluster.scale(1, "kubectl")

    cluster.faults.active.append(Fault(Harm.ANSWER, lambda call: bool(strike(call))))
    with pytest.raises(TargetError, match="and replicas changed meanwhile"):
        await target.remove([remove(names[0], 5)])
    assert cluster.replicas() == 1

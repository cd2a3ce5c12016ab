"""Who leaves when replicas are lowered: the drained ones, or nobody."""

from __future__ import annotations

import pytest

from autoscaler.clients.kubernetes.victims import LEAST_COST, Leaving, Shrink, shrink
from autoscaler.clients.kubernetes.workload import Scale, parse_workload
from autoscaler.errors import TargetConflict
from tests.clients.kubernetes.manifests import (
    deployment,
    deployment_manifest,
    ordinal,
    pod,
    statefulset,
)

A, B, C = pod("a"), pod("b"), pod("c")
COST = "controller.kubernetes.io/pod-deletion-cost"


def test_replicas_go_down_by_the_victims_who_cost_less_than_all_others():
    assert shrink(deployment(3), [A, B, C], Leaving([B])) == Shrink(2, -1)
    assert shrink(deployment(3), [A, B, C], Leaving([A, B, C])) == Shrink(0, -1)


def test_costs_that_others_have_set_are_undercut():
    cheap = pod("a", annotations={COST: "-100"})
    assert shrink(deployment(3), [cheap, B, C], Leaving([B])).cost == -101
    dear = pod("a", annotations={COST: "100"})
    assert shrink(deployment(3), [dear, B, C], Leaving([B])).cost == -1
    least = pod("a", annotations={COST: str(LEAST_COST)})
    with pytest.raises(TargetConflict, match="least deletion cost"):
        shrink(deployment(3), [least, B, C], Leaving([B]))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (pod("a", ready=False), "a is not ready"),
        (pod("a", phase="Pending", containers=[], ready=False), "a is starting"),
        (pod("a", node="", phase="Pending", containers=[], ready=False), "a is starting"),
    ],
)
def test_nobody_goes_while_another_would_be_deleted_first(other, why):
    with pytest.raises(TargetConflict, match=why):
        shrink(deployment(3), [other, B, C], Leaving([B]))


def test_who_is_not_ready_may_go_before_the_ready_ones():
    sick = pod("b", ready=False)
    assert shrink(deployment(3), [A, sick, C], Leaving([sick])) == Shrink(2, -1)
    both = Leaving([sick, C])
    assert shrink(deployment(3), [A, sick, C], both) == Shrink(1, -1)


def test_pods_that_are_on_their_way_out_are_not_counted_twice():
    """Replicas were lowered already, and the controller has yet to delete."""
    assert shrink(deployment(2), [A, B, C], Leaving([B])).replicas == 2
    assert shrink(deployment(2), [A, B, C], Leaving([A, B])).replicas == 1
    gone = pod("d", deletionTimestamp="2026-11-22T10:00:00Z")
    assert shrink(deployment(3), [A, B, C, gone], Leaving([B])).replicas == 2


def test_replicas_without_a_pod_go_by_the_number():
    assert shrink(deployment(5), [A, B, C], Leaving([], [1, 2])) == Shrink(3, -1)
    assert shrink(deployment(5), [A, B, C], Leaving([A], [1])) == Shrink(3, -1)


def test_a_rollout_is_left_alone():
    status = {"observedGeneration": 4, "replicas": 3, "updatedReplicas": 1}
    with pytest.raises(TargetConflict, match="a rollout is under way"):
        shrink(deployment(3, status=status), [A, B, C], Leaving([B]))
    old = pod("a", owner=("ReplicaSet", "worker-77", "rs-0"))
    with pytest.raises(TargetConflict, match="two ReplicaSets"):
        shrink(deployment(3), [old, B, C], Leaving([B]))


def test_ordinals_leave_from_the_top():
    pods = [ordinal(n) for n in range(4)]
    assert shrink(statefulset(4), pods, Leaving([pods[3]])) == Shrink(3)
    assert shrink(statefulset(4), pods, Leaving([pods[2], pods[3]])) == Shrink(2)
    assert shrink(statefulset(6), pods, Leaving([pods[3]], [4, 5])) == Shrink(3)


def test_a_hole_is_named():
    pods = [ordinal(n) for n in range(4)]
    with pytest.raises(TargetConflict, match="worker-2 cannot leave: worker-3 has the highest"):
        shrink(statefulset(4), pods, Leaving([pods[2]]))
    with pytest.raises(TargetConflict, match="worker-1 cannot leave: worker-2"):
        shrink(statefulset(4), pods, Leaving([pods[1], pods[3]]))


def test_ordinals_need_not_begin_at_zero():
    pods = [ordinal(n) for n in (5, 6, 7)]
    assert shrink(statefulset(3, start=5), pods, Leaving([pods[2]])) == Shrink(2)


def test_an_ordinal_that_is_condemned_already_lowers_nothing():
    pods = [ordinal(n) for n in range(4)]
    assert shrink(statefulset(3), pods, Leaving([pods[3]])) == Shrink(3)


def test_what_makes_its_pods_itself_shrinks_only_when_all_may_go():
    owner = ("Cluster", "worker", "cluster-1")
    pods = [pod(name, owner=owner) for name in "abc"]
    cluster = parse_workload(deployment_manifest(), "Cluster", Scale(3, "app=worker", "1"))
    with pytest.raises(TargetConflict, match="cannot be told which"):
        shrink(cluster, pods, Leaving(pods[:1]))
    assert shrink(cluster, pods, Leaving(pods)) == Shrink(0)
    assert shrink(cluster, pods, Leaving(pods[:1]), all_alike=True) == Shrink(2)


def test_another_kind_whose_pods_have_a_replica_set_goes_by_cost():
    rollout = parse_workload(deployment_manifest(), "Rollout", Scale(3, "app=worker", "1"))
    assert shrink(rollout, [A, B, C], Leaving([B])) == Shrink(2, -1)

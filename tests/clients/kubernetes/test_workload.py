"""Deployments, StatefulSets and scales as the API server gives them."""

from __future__ import annotations

import pytest

from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.workload import (
    Scale,
    Writer,
    parse_scale,
    parse_workload,
    selector_text,
)
from tests.clients.kubernetes.manifests import (
    CREATED_AT,
    deployment,
    deployment_manifest,
    ordinal,
    pod,
    statefulset,
)


def test_a_deployment():
    found = deployment(annotations={"autoscaler/paused": "true", "other": "x"})
    assert found.scale == Scale(3, "app=worker", "11")
    assert (found.uid, found.rollout, found.ordered) == ("deployment-1", "", False)
    assert found.writer == Writer("autoscaler", "scale", CREATED_AT)
    assert found.writer.is_us
    assert found.annotations == {"autoscaler/paused": "true"}


def test_the_latest_writer_counts_and_none_is_nobody():
    manifest = deployment_manifest(manager="helm", subresource="")
    hpa = {"manager": "kube-controller-manager", "time": "2026-11-22T11:00:00Z"}
    hpa["fieldsV1"] = {"f:spec": {"f:replicas": {}}}
    status = {"manager": "x", "time": "2026-11-22T12:00:00Z", "fieldsV1": {"f:status": {}}}
    manifest["metadata"]["managedFields"] += [hpa, status, {"manager": "y"}]
    assert parse_workload(manifest, "Deployment").writer.manager == "kube-controller-manager"
    assert deployment(manager=None).writer is None


@pytest.mark.parametrize(
    ("status", "rollout"),
    [
        ({"observedGeneration": 4, "replicas": 3, "updatedReplicas": 3}, False),
        ({"observedGeneration": 4, "replicas": 5, "updatedReplicas": 3}, False),
        ({"observedGeneration": 4, "replicas": 3, "updatedReplicas": 1}, True),
        ({"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3}, True),
        ({"observedGeneration": 4}, False),
    ],
)
def test_whether_a_rollout_is_under_way(status, rollout):
    assert bool(deployment(status=status).rollout) is rollout


def test_whose_pods_are_whose():
    assert deployment().owns(pod())
    assert not deployment().owns(pod(owner=("ReplicaSet", "other-5d4f", "rs-9")))
    assert not deployment().owns(pod(owner=None))
    assert statefulset().owns(ordinal(0))
    assert not statefulset().owns(pod())
    other = parse_workload(deployment_manifest(), "Rollout", Scale(3, "app=worker", "11"))
    assert other.owns(pod())
    assert not other.owns(pod(owner=None))


def test_ordinals_may_start_anywhere():
    assert (statefulset().first_ordinal, statefulset(start=5).first_ordinal) == (0, 5)


def test_a_scale_leaves_zero_out():
    item = {"metadata": {"resourceVersion": "5"}, "spec": {}, "status": {"selector": "a=b"}}
    assert parse_scale(item) == Scale(0, "a=b", "5")
    assert parse_scale({**item, "spec": {"replicas": 4}}).replicas == 4


@pytest.mark.parametrize("replicas", [-1, "3", 1.5, True, None])
def test_what_is_no_number_is_not_guessed_at(replicas):
    with pytest.raises(ApiError, match="cannot be understood"):
        parse_scale({"metadata": {"resourceVersion": "5"}, "spec": {"replicas": replicas}})
    with pytest.raises(ApiError, match="cannot be understood"):
        deployment(replicas)


def test_a_scale_without_a_version_is_none():
    with pytest.raises(ApiError):
        parse_scale({"metadata": {}, "spec": {"replicas": 1}})


def test_selectors_in_words():
    selector = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["x", "y"]},
            {"key": "tier", "operator": "NotIn", "values": ["z"]},
            {"key": "app", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    assert selector_text(selector) == "a=1,b=2,tier in (x,y),tier notin (z),app,!old"
    with pytest.raises(ValueError, match="empty"):
        selector_text({})

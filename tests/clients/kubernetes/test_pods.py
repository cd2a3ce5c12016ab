"""Pods as the API server gives them, and what is made of them."""

from __future__ import annotations

import pytest

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.pods import parse_pod
from autoscaler.model import Drain, Fence, UnitPhase
from tests.clients.kubernetes.manifests import CREATED, CREATED_AT, pod, pod_manifest

WAITING = {"name": "worker", "state": {"waiting": {"reason": "ContainerCreating"}}}


def waiting(reason: str):
    return {"name": "worker", "state": {"waiting": {"reason": reason}}}


def test_a_pod_that_runs():
    found = pod()
    assert (found.phase, found.condition, found.ready) == (UnitPhase.RUNNING, "", True)
    assert (found.created_at, found.node, found.image) == (CREATED_AT, "node-1", "airflow:3.1")
    assert (found.grace_seconds, found.live, found.owner.uid) == (600, True, "rs-1")
    assert (found.drain, found.fence, found.leaving, found.cost) == (None, Fence(0, 0), False, 0)


@pytest.mark.parametrize(
    ("facts", "phase", "condition"),
    [
        ({"phase": "Pending", "containers": [WAITING]}, "pending", "starting"),
        ({"phase": "Pending", "containers": []}, "pending", "starting"),
        (
            {
                "phase": "Pending",
                "containers": [],
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
                ],
            },
            "pending",
            "unschedulable",
        ),
        (
            {"phase": "Pending", "containers": [waiting("ImagePullBackOff")]},
            "pending",
            "not starting: ImagePullBackOff",
        ),
        ({"containers": [waiting("CrashLoopBackOff")]}, "running", "crash-looping"),
        ({"phase": "Failed"}, "failed", "failed"),
        ({"deletionTimestamp": CREATED}, "terminating", "terminating"),
    ],
)
def test_where_pods_are_in_their_lives(facts, phase, condition):
    found = pod(**facts)
    assert (str(found.phase), found.condition) == (phase, condition)


def test_a_worker_may_be_at_work_while_a_container_beside_it_still_starts():
    beside = [{"name": "worker", "state": {"running": {}}}, waiting("ContainerCreating")]
    assert pod(phase="Pending", containers=beside).phase is UnitPhase.RUNNING


def test_the_image_is_that_of_the_workers_container():
    containers = [{"name": "proxy", "image": "proxy:1"}, {"name": "worker", "image": "w:2"}]
    manifest = pod_manifest(spec={"containers": containers})
    assert parse_pod(manifest).image == "proxy:1"
    assert parse_pod(manifest, "worker").image == "w:2"
    assert parse_pod(manifest, "other").image == ""


def test_zone_and_spot_where_the_pod_itself_tells():
    found = pod(labels={"topology.kubernetes.io/zone": "eu-1a"})
    assert (found.zone, found.spot) == ("eu-1a", False)
    chosen = {"topology.kubernetes.io/zone": "eu-1b", "karpenter.sh/capacity-type": "spot"}
    found = pod(spec={"nodeSelector": chosen})
    assert (found.zone, found.spot) == ("eu-1b", True)


def test_a_pod_without_a_controller_and_with_the_default_grace():
    found = pod(owner=None, spec={"terminationGracePeriodSeconds": None})
    assert (found.owner.uid, found.grace_seconds) == ("", 30)
    other = pod_manifest(owner=("Node", "n", "u"))
    other["metadata"]["ownerReferences"][0]["controller"] = False
    assert parse_pod(other).owner.kind == ""


def test_what_the_daemon_wrote_is_read_back():
    drain = Drain(1.5, ("default", "mail"), pinned=True)
    changes = {
        **marks.drained(drain),
        **marks.fenced(Fence(3, 14)),
        marks.LEAVING: "true",
        marks.SHIELDED: "true",
        marks.COST: "-5",
    }
    found = pod(annotations=changes)
    assert (found.drain, found.fence, found.leaving) == (drain, Fence(3, 14), True)
    assert (found.shielded, found.cost) == (True, -5)


@pytest.mark.parametrize("text", ["", "[]", "7", '{"since": "x", "queues": []}', '{"since": 1}'])
def test_a_damaged_mark_is_still_a_mark(text):
    assert pod(annotations={marks.DRAIN: text}).drain == Drain(CREATED_AT)


@pytest.mark.parametrize("text", ["", "x", "1", "1.x", "-1.2"])
def test_a_damaged_fence_or_cost_counts_as_none(text):
    found = pod(annotations={marks.FENCE: text, marks.COST: "dear"})
    assert (found.fence, found.cost) == (Fence(0, 0), 0)


def test_ordinals_are_the_number_at_the_end():
    assert (pod("worker-12").ordinal, pod("worker-5d4f-abcde").ordinal) == (12, None)


@pytest.mark.parametrize(
    "broken",
    [{}, {"metadata": {}}, {**pod_manifest(), "spec": None}, {**pod_manifest(), "metadata": []}],
)
def test_what_is_no_pod_is_not_guessed_at(broken):
    with pytest.raises(ApiError, match="cannot be understood"):
        parse_pod(broken)

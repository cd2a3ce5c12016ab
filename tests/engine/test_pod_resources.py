"""CPU and memory of pods, and what they request, as the replica calculator gets them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.engine.per_unit_target import CannotTellError
from autoscaler.engine.pod_resources import is_of_pods, pods_readings
from autoscaler.engine.unit_groups import Phase, Readiness, Reading, Warmup
from autoscaler.model import ContainerRequest, Sample, Samples, UnitPhase
from tests.records import NOW, replica, seen

ONE_CORE = (ContainerRequest("worker", 1.0, 2.0**30),)


def pod(name, requests=ONE_CORE, **facts):
    return replica(name, unit={"requests": requests, "ready": True, **facts}, registered=False)


def used(name, value, container="worker", resource="cpu", namespace="airflow", at=NOW - 10):
    labels = {"namespace": namespace, "pod": name, "container": container}
    return Sample(resource, value, at, labels, 15.0)


def snapshot(*replicas, samples=()):
    return replace(seen(*replicas), samples=Samples(samples))


def readings(of, resource="cpu", of_requests=True, **labels):
    return pods_readings(of, resource, labels, of_requests=of_requests)


def requests(of, resource="cpu", **labels):
    return {unit.name: unit.request for unit in readings(of, resource, **labels).units}


def test_containers_are_summed_and_a_pod_without_metrics_is_left_out():
    both = (*ONE_CORE, ContainerRequest("logs", 0.25, 2.0**20))
    of = snapshot(
        pod("a", both),
        pod("b", both),
        samples=[used("a", 0.7), used("a", 0.1, "logs", at=NOW - 20), used("other", 9.0)],
    )
    found = readings(of)
    assert found.readings == {"a": Reading(800, NOW - 20, 15.0)}
    assert {unit.request for unit in found.units} == {1250}
    assert readings(of, container="logs").readings == {"a": Reading(100, NOW - 20, 15.0)}
    assert requests(of, container="logs") == {"a": 250, "b": 250}
    assert requests(of, "memory", container="logs") == {"a": 2**20 * 1000, "b": 2**20 * 1000}


def test_readiness_counts_for_cpu_alone():
    of = snapshot(pod("a", started_at=NOW - 90, ready_since=NOW - 60), pod("b", ready=None))
    assert readings(of).warmup == Warmup()
    assert readings(of, "memory").warmup is None
    told, untold = readings(of).units
    assert (told.started_at, told.readiness) == (NOW - 90, Readiness(True, NOW - 60))
    assert (untold.started_at, untold.readiness) == (NOW - 600, Readiness(None, NOW - 600))


def test_who_leaves_is_left_out():
    gone = replica("g", phase=UnitPhase.TERMINATING, registered=False)
    of = snapshot(pod("a"), gone, samples=[used("a", 1.0), used("g", 5.0)])
    found = readings(of)
    assert found.readings.keys() == {"a"}
    assert [(unit.leaving, unit.phase) for unit in found.units] == [
        (False, Phase.RUNNING),
        (True, Phase.RUNNING),
    ]


def test_a_replica_without_a_pod_will_ask_for_what_the_others_do():
    awaited = replica("x", phase=UnitPhase.PENDING, registered=False)
    assert requests(snapshot(pod("a"), awaited)) == {"a": 1000, "x": 1000}
    with pytest.raises(CannotTellError, match="no pod yet"):
        readings(snapshot(awaited))
    assert readings(snapshot(awaited), of_requests=False).readings == {}


def test_what_the_pod_as_a_whole_asks_for_comes_before_its_containers():
    whole = (ContainerRequest("", cpu=4.0), *ONE_CORE)
    of = snapshot(pod("a", whole))
    assert requests(of) == {"a": 4000}
    assert requests(of, "memory") == {"a": 2**30 * 1000}
    assert requests(of, container="worker") == {"a": 1000}


@pytest.mark.parametrize(
    ("asked", "labels", "message"),
    [
        ((), {}, "a does not tell how much cpu it requests"),
        ((ContainerRequest("", memory=1.0),), {}, "a does not tell how much cpu it requests"),
        (
            (*ONE_CORE, ContainerRequest("logs", None, 1.0)),
            {},
            "container logs of a does not tell how much cpu it requests",
        ),
        (
            ONE_CORE,
            {"container": "logs"},
            "container logs of a does not tell how much cpu it requests",
        ),
    ],
)
def test_a_request_that_is_missing_is_told(asked, labels, message):
    with pytest.raises(CannotTellError, match=message):
        readings(snapshot(pod("a", asked)), **labels)


def test_metrics_without_the_container_are_told():
    both = (*ONE_CORE, ContainerRequest("logs", 0.25, 2.0**20))
    of = snapshot(pod("a", both), pod("b", both), samples=[used("a", 0.1, "logs"), used("b", 1.0)])
    with pytest.raises(CannotTellError, match="cpu of b has no container logs"):
        readings(of, container="logs")


def test_pods_of_one_name_in_two_namespaces_are_told_apart_by_label():
    of = snapshot(pod("a"), samples=[used("a", 0.5), used("a", 3.0, namespace="shop")])
    with pytest.raises(CannotTellError, match="two pods a: say the `namespace`"):
        readings(of)
    assert readings(of, namespace="shop").readings["a"].value == 3000


def test_which_samples_are_of_pods():
    assert is_of_pods(snapshot(samples=[used("a", 1.0)]), "cpu")
    assert not is_of_pods(snapshot(samples=[Sample("cpu", 1.0, NOW)]), "cpu")
    assert not is_of_pods(snapshot(samples=[Sample("depth", 1.0, NOW, {"pod": "a"})]), "depth")

"""The HPA's metrics of CPU and memory, as a policy of `target_tracking`."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.model import ContainerRequest, UnitPhase
from tests.engine.test_pod_resources import ONE_CORE, pod, snapshot, used
from tests.policies.test_target_tracking import recommend
from tests.records import NOW, fleet, replica

SEEDS_CPU = {"sample": "cpu", "utilization": 70}


def four(*cores, **facts):
    """Four pods of one core; those without a number have no metrics."""
    pods = [pod(name, **facts) for name in "abcd"]
    return snapshot(*pods, samples=[used(n, c) for n, c in zip("abcd", cores, strict=False)])


def test_utilization_of_requests():
    found = recommend(four(1.05, 1.05, 1.05, 1.05), **SEEDS_CPU)
    assert (found.replicas, found.reason, found.active) == (6, "ValidMetricFound", True)
    assert found.message == "cpu 105 % of what is requested, target 70 % -> 6"
    assert recommend(four(0.7, 0.7, 0.8, 0.7), **SEEDS_CPU).replicas == 4
    assert recommend(four(0.35, 0.35, 0.35, 0.35), **SEEDS_CPU).replicas == 2


def test_a_pod_without_metrics_speaks_against_the_change():
    """Down: it is taken to use all it requests. Up: nothing."""
    assert recommend(four(0.35, 0.35, 0.35), **SEEDS_CPU).replicas == 3
    assert recommend(four(1.4, 1.4, 1.4), **SEEDS_CPU).replicas == 6
    assert recommend(four(0.9, 0.9, 0.9), **SEEDS_CPU).replicas == 4


def test_a_pod_that_has_just_started_is_idle_on_the_way_up_and_nobody_on_the_way_down():
    young = {"started_at": NOW - 60, "ready_since": NOW - 12}
    pods = [pod("a"), pod("b"), pod("c"), pod("d", **young)]
    up = [used(name, cores) for name, cores in zip("abcd", (1.4, 1.4, 1.4, 9.0), strict=True)]
    assert recommend(snapshot(*pods, samples=up), **SEEDS_CPU).replicas == 6
    down = [used(name, 0.35) for name in "abc"] + [used("d", 9.0)]
    assert recommend(snapshot(*pods, samples=down), **SEEDS_CPU).replicas == 2


def test_start_up_counts_for_memory():
    young = {"started_at": NOW - 60, "ready_since": NOW - 12}
    samples = [used(name, 2.0**30, resource="memory") for name in "ab"]
    of = snapshot(pod("a"), pod("b", **young), samples=samples)
    found = recommend(of, sample="memory", utilization=80)
    assert (found.replicas, found.message) == (
        3,
        "memory 100 % of what is requested, target 80 % -> 3",
    )


def test_an_average_per_pod_and_one_container():
    logs = ContainerRequest("logs", 0.1, 2.0**20)
    of = snapshot(
        pod("a", (*ONE_CORE, logs)),
        samples=[used("a", 0.5), used("a", 0.3, "logs")],
    )
    found = recommend(of, sample="cpu", average_value=0.4)
    assert (found.replicas, found.message) == (2, "cpu 0.8 per pod, target 0.4 -> 2")
    of_logs = {"sample": "cpu", "labels": {"container": "logs"}}
    assert recommend(of, **of_logs, average_value=0.1).replicas == 3
    assert recommend(of, **of_logs, utilization=150).replicas == 2


def test_a_value_stays_what_all_use_together():
    of = replace(four(1.0, 1.0, 1.0, 1.0), fleet=fleet(queues=()))
    of = replace(of, replicas=tuple(replace(one, ready=True) for one in of.replicas))
    assert recommend(of, sample="cpu", value=2).replicas == 8


def test_what_is_unknown_is_no_number():
    found = recommend(four(), **SEEDS_CPU)
    assert (found.replicas, found.reason) == (None, "FailedGetResourceMetric")
    assert found.message == "there is no sample cpu"
    assert recommend(snapshot(samples=[used("a", 1.0)]), **SEEDS_CPU).message == (
        "with no replica there is no cpu to be read"
    )
    strangers = snapshot(pod("a"), samples=[used("x", 1.0)])
    assert recommend(strangers, **SEEDS_CPU).message == "no unit that counts has a reading"
    untold = snapshot(pod("a", ()), samples=[used("a", 1.0)])
    assert recommend(untold, **SEEDS_CPU).message == "a does not tell how much cpu it requests"


def test_a_replica_without_a_pod_counts_as_idle_and_never_turns_the_rest_round():
    awaited = [replica(f"x{n}", phase=UnitPhase.PENDING, registered=False) for n in range(4)]
    of = snapshot(
        *(pod(name) for name in "abcd"), *awaited, samples=four(1, 1, 1, 1).samples.named("cpu")
    )
    assert recommend(of, **SEEDS_CPU).replicas == 8

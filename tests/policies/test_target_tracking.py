"""A sample at its target per replica."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from autoscaler.engine.behavior import with_defaults
from autoscaler.interfaces import Context
from autoscaler.model import FleetSnapshot, Sample, Samples, ScalingRules, UnitPhase
from autoscaler.policies.target_tracking import TargetTracking, TargetTrackingOptions
from tests.records import NOW, fleet, replica, seen


def recommend(snapshot, **options):
    policy = TargetTracking(TargetTrackingOptions(**options), Context("tracking"))
    return policy.recommend(snapshot)


def ready(count):
    return tuple(replica(f"u{n}") for n in range(count))


def measured(*replicas, samples, **of_fleet):
    """A snapshot with samples of (name, value, labels)."""
    made = Samples(Sample(name, value, NOW, labels) for name, value, labels in samples)
    return FleetSnapshot(NOW, fleet(**of_fleet), replicas, made)


def test_demand_over_slots_is_the_default():
    found = recommend(seen(*ready(5), samples={"demand_tasks": 412, "slots_per_replica": 16}))
    assert (found.policy, found.replicas, found.reason) == ("tracking", 26, "ValidMetricFound")
    assert found.message == "demand_tasks 412, 16 per replica -> 26"
    assert found.active


def test_the_tolerance_of_the_fleet_holds():
    samples = {"demand_tasks": 34, "slots_per_replica": 16}
    assert recommend(seen(*ready(2), samples=samples)).replicas == 2
    strict = with_defaults(ScalingRules(tolerance=0.05), None)
    assert recommend(seen(*ready(2), samples=samples, behavior=strict)).replicas == 3


def test_an_average_of_any_sample_with_these_labels():
    samples = [
        ("depth", 30.0, {"queue": "a", "host": "x"}),
        ("depth", 50.0, {"queue": "a", "host": "y"}),
        ("depth", 9000.0, {"queue": "b", "host": "x"}),
    ]
    snapshot = measured(*ready(2), samples=samples)
    of_a = {"sample": "depth", "labels": {"queue": "a"}, "average_value": 10}
    assert recommend(snapshot, **of_a).replicas == 8
    assert recommend(snapshot, **of_a).message == 'depth{queue="a"} 80, 10 per replica -> 8'
    assert recommend(snapshot, **of_a, aggregate="max").replicas == 5
    assert recommend(snapshot, **of_a, aggregate="avg").replicas == 4


def test_a_value_is_shared_by_ready_replicas():
    replicas = (*ready(2), replica("new", ready=False), replica("gone", drained=True))
    snapshot = seen(*replicas, samples={"oldest_task_age_seconds": 90})
    found = recommend(snapshot, sample="oldest_task_age_seconds", value=30)
    assert found.replicas == 6
    assert found.message == "oldest_task_age_seconds 90, target 30 -> 6"


def test_a_value_from_zero_has_no_tolerance():
    snapshot = seen(samples={"depth": 31})
    assert recommend(snapshot, sample="depth", value=30).replicas == 2


def test_a_value_needs_a_ready_replica():
    snapshot = seen(replica("new", ready=False), samples={"depth": 90})
    found = recommend(snapshot, sample="depth", value=30)
    assert (found.replicas, found.message) == (None, "none of 1 replicas is ready yet")


@pytest.mark.parametrize(
    ("demand", "activation", "active"), [(0, 0, False), (1, 0, True), (5, 5, False), (6, 5, True)]
)
def test_active_is_what_exceeds_the_activation_value(demand, activation, active):
    snapshot = seen(samples={"demand_tasks": demand, "slots_per_replica": 16})
    assert recommend(snapshot, activation_value=activation).active is active


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ({"slots_per_replica": 16}, "there is no sample demand_tasks"),
        ({"demand_tasks": -3, "slots_per_replica": 16}, "demand_tasks is -3, which is no load"),
        ({"demand_tasks": float("nan")}, "demand_tasks is not a finite number"),
        ({"demand_tasks": 3}, "there is no sample slots_per_replica"),
    ],
)
def test_what_is_not_known_is_no_number(samples, why):
    found = recommend(seen(*ready(2), samples=samples))
    assert (found.replicas, found.reason) == (None, "FailedGetExternalMetric")
    assert why in found.message
    assert not found.active


@pytest.mark.parametrize(("demand", "replicas"), [(40, 1), (0, 0)])
def test_one_replica_is_started_to_learn_its_slots(demand, replicas):
    found = recommend(seen(samples={"demand_tasks": demand}))
    assert (found.replicas, found.active) == (replicas, demand > 0)
    assert "nobody knows what one can take" in found.message


def busy(*shares, usual=None):
    """Samples of units u0, u1, … each busy with so many of its 10 slots; None: not told."""
    for n, share in enumerate(shares):
        if share is not None:
            yield "busy_slots", float(share), {"unit": f"u{n}"}
            yield "slots", 10.0, {"unit": f"u{n}"}
    yield "busy_slots", 99.0, {}
    if usual is not None:
        yield "slots_per_replica", float(usual), {}


def test_utilization_of_slots():
    snapshot = measured(*ready(3), samples=busy(9, 9, 9))
    found = recommend(snapshot, utilization=60)
    assert (found.replicas, found.active) == (5, True)
    assert found.message == "90 % of slots are busy, target 60 % -> 5"


def test_utilization_leaves_out_units_that_leave_and_holds_back_for_those_that_come():
    gone = replica("u2", drained=True)
    pending = replica("u3", phase=UnitPhase.PENDING, registered=False)
    unready = replica("u4", ready=False)
    snapshot = measured(*ready(2), gone, pending, unready, samples=busy(9, 9, 9, None, 9, usual=10))
    assert recommend(snapshot, utilization=40).replicas == 5
    assert recommend(snapshot, utilization=50).replicas == 4


def test_a_silent_unit_is_taken_as_full_on_the_way_down():
    snapshot = measured(*ready(4), samples=busy(1, 1, 1, None, usual=10))
    assert recommend(snapshot, utilization=50).replicas == 3


@pytest.mark.parametrize(("demand", "active"), [(None, True), (2, False), (3, True)])
def test_utilization_keeps_a_fleet_from_zero_as_long_as_there_is_demand(demand, active):
    samples = [*busy(0, 0), *([] if demand is None else [("demand_tasks", demand, {})])]
    found = recommend(measured(*ready(2), samples=samples), utilization=50, activation_value=2)
    assert (found.replicas, found.active) == (0, active)


@pytest.mark.parametrize(("demand", "replicas"), [(2, 0), (3, 1)])
def test_demand_makes_a_utilized_fleet_leave_zero(demand, replicas):
    found = recommend(seen(samples={"demand_tasks": demand}), utilization=50, activation_value=2)
    assert (found.replicas, found.active) == (replicas, replicas > 0)


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (measured(samples=()), "there is no sample demand_tasks"),
        (measured(*ready(2), samples=busy(5)), "nobody knows what u1 could use"),
        (measured(*ready(2), samples=busy(usual=10)), "no unit that counts has a reading"),
    ],
)
def test_utilization_that_nobody_can_tell(snapshot, why):
    found = recommend(snapshot, utilization=50)
    assert (found.replicas, found.reason) == (None, "FailedGetResourceMetric")
    assert why in found.message


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"value": 1, "average_value": 1}, "give one of average_value and value, not 2"),
        (
            {"utilization": 50, "labels": {}, "sample": "x"},
            "of busy slots, or of the samples cpu and memory: leave out labels and sample",
        ),
        ({"average_value": 0}, "greater than or equal to 0.001"),
        ({"utilization": 101}, "of slots is at most 100 percent"),
        ({"averageValue": 1}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, why):
    with pytest.raises(ValidationError, match=why):
        TargetTrackingOptions(**options)

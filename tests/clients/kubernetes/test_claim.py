"""Whose the number is: others are seen, named, waited for, and not fought."""

from __future__ import annotations

import pytest

from autoscaler.clients.kubernetes.claim import HOLD_SECONDS, Claim
from autoscaler.clients.kubernetes.marks import PAUSED, PAUSED_REPLICAS, TAKE_OVER
from autoscaler.clients.kubernetes.orders import order_of
from tests.clients.kubernetes.manifests import deployment

NOW = 1_800_000_000.0


def claimed(replicas: int = 3) -> Claim:
    return Claim().after(deployment(replicas), None, NOW)


def test_the_first_look_takes_the_number_as_it_is():
    assert Claim().after(deployment(3, manager="helm"), None, NOW).hold is None


def test_our_own_changes_hold_nothing():
    assert claimed().after(deployment(5), 5, NOW + 1).hold is None
    assert claimed().after(deployment(5, manager=None), 5, NOW + 1).hold is None


@pytest.mark.parametrize(
    ("manager", "subresource", "words"),
    [
        ("kube-controller-manager", "scale", "a HorizontalPodAutoscaler changed replicas of"),
        ("keda", "scale", "delete the ScaledObject of worker"),
        ("argocd-controller", "", "ignore /spec/replicas"),
        ("helm", "", "out of the chart's values"),
        ("kubectl", "scale", "`autoscaler scale`"),
        ("k9s", "", "let one of the two scale worker"),
    ],
)
def test_another_writer_is_named_with_what_to_do(manager, subresource, words):
    other = deployment(6, manager=manager, subresource=subresource)
    hold = claimed().after(other, None, NOW + 1).hold
    assert hold.actor == manager
    assert "from 3 to 6" in hold.reason
    assert words in hold.reason


def test_without_managed_fields_it_is_somebody():
    hold = claimed().after(deployment(6, manager=None), None, NOW + 1).hold
    assert (hold.actor, hold.reason.split(" changed")[0]) == ("somebody", "somebody")


def test_a_first_change_holds_for_a_quarter_of_an_hour():
    kubectl = deployment(6, manager="kubectl")
    claim = claimed().after(kubectl, None, NOW + 1)
    assert claim.after(kubectl, None, NOW + HOLD_SECONDS).hold is not None
    assert claim.after(kubectl, None, NOW + 1 + HOLD_SECONDS).hold is None


def test_more_of_the_same_wish_only_begins_it_anew():
    claim = claimed().after(deployment(6, manager="kubectl"), None, NOW + 1)
    claim = claim.after(deployment(7, manager="kubectl"), None, NOW + 60)
    assert claim.hold.until == NOW + 60 + HOLD_SECONDS


def test_who_writes_again_after_us_is_a_rival_until_somebody_lets_go():
    claim = claimed().after(deployment(6, manager="argocd"), None, NOW + 1)
    later = NOW + 2 * HOLD_SECONDS
    claim = claim.after(deployment(6, manager="argocd"), None, later)
    claim = claim.after(deployment(3), 3, later + 1)
    claim = claim.after(deployment(6, manager="argocd"), None, later + 2)
    assert claim.hold.until is None
    assert "2 times within a day" in claim.hold.reason
    forever = claim.after(deployment(6, manager="argocd"), None, later + 80_000)
    assert forever.hold == claim.hold
    told = deployment(6, manager="argocd", annotations={TAKE_OVER: "yes, 12:00"})
    assert forever.after(told, None, later + 80_001).hold is None


def test_a_day_later_it_is_a_first_change_again():
    claim = claimed().after(deployment(6, manager="kubectl"), None, NOW)
    claim = claim.after(deployment(3), 3, NOW + 90_000)
    claim = claim.after(deployment(6, manager="kubectl"), None, NOW + 90_001)
    assert claim.hold.until == NOW + 90_001 + HOLD_SECONDS


def test_an_old_take_over_says_nothing_new():
    notes = {TAKE_OVER: "1"}
    claim = Claim().after(deployment(3, annotations=notes), None, NOW)
    claim = claim.after(deployment(6, manager="kubectl", annotations=notes), None, NOW + 1)
    assert claim.hold is not None


def test_a_workload_made_anew_is_taken_as_it_is():
    claim = claimed()
    other = deployment(6, manager="helm")
    fresh = claim.after(type(other)(**{**_fields(other), "uid": "deployment-2"}), None, NOW)
    assert (fresh.hold, fresh.replicas) == (None, 6)


def _fields(record):
    return {name: getattr(record, name) for name in record.__slots__}


def test_a_hold_comes_before_what_annotations_say():
    hold = claimed().after(deployment(6, manager="keda"), None, NOW + 1).hold
    order = order_of("default", hold, {PAUSED_REPLICAS: "2"}, NOW)
    assert (order.contested, order.actor, order.replicas) == (True, "keda", None)
    assert order.expires_at == NOW + 1 + HOLD_SECONDS


@pytest.mark.parametrize(
    ("annotations", "replicas"),
    [
        ({PAUSED: "true"}, None),
        ({PAUSED: "yes"}, None),
        ({PAUSED_REPLICAS: "4"}, 4),
        ({PAUSED_REPLICAS: "0", PAUSED: "true"}, 0),
        ({PAUSED_REPLICAS: "many"}, None),
        ({PAUSED_REPLICAS: "-1"}, None),
    ],
)
def test_annotations_pause_a_fleet_or_hold_a_number(annotations, replicas):
    order = order_of("default", None, annotations, NOW)
    assert (order.replicas, order.contested, order.created_at) == (replicas, False, NOW)


@pytest.mark.parametrize("annotations", [{}, {PAUSED: "false"}, {PAUSED: ""}, {PAUSED: "False"}])
def test_without_a_word_nothing_is_held(annotations):
    assert order_of("default", None, annotations, NOW) is None

"""Annotations: shields are added and taken back, others' are left alone."""

from __future__ import annotations

from autoscaler.clients.kubernetes import marks

KARPENTER = "karpenter.sh/do-not-disrupt"
EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"


def test_both_shields_are_set_and_taken_away_again():
    changes = marks.shielded({})
    assert changes == {KARPENTER: "true", EVICT: "false", marks.SHIELD: f"{KARPENTER} {EVICT}"}
    back = marks.unshielded({name: value or "" for name, value in changes.items()})
    assert back == {KARPENTER: None, EVICT: None, marks.SHIELD: None}


def test_what_somebody_else_has_set_stays_theirs():
    changes = marks.shielded({EVICT: "false"})
    assert changes == {KARPENTER: "true", marks.SHIELD: KARPENTER}
    present = {EVICT: "false", **{name: value or "" for name, value in changes.items()}}
    assert marks.unshielded(present) == {KARPENTER: None, marks.SHIELD: None}
    assert marks.unshielded({EVICT: "false"}) == {}


def test_a_list_of_ours_that_was_tampered_with_takes_nothing_else_away():
    assert marks.unshielded({marks.SHIELD: "app.kubernetes.io/name"}) == {marks.SHIELD: None}

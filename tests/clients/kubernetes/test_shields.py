"""Shields: on the busy, not at once off the idle, and no faster than allowed."""

from __future__ import annotations

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.shields import IDLE_SECONDS, ShieldRules, Shields
from tests.clients.kubernetes.manifests import pod

SHIELDED = {name: value or "" for name, value in marks.shielded({}).items()}


def due(shields: Shields, pods, busy, now: float) -> list[str]:
    return [one.name for one, _ in shields.due(pods, busy, now)]


def test_busy_pods_are_shielded_and_idle_or_unknown_ones_are_not():
    pods = [pod("busy"), pod("idle"), pod("unknown"), pod("done", annotations=SHIELDED)]
    busy = {"busy": True, "idle": False, "done": True}
    assert due(Shields(ShieldRules()), pods, busy, 0) == ["busy"]


def test_a_shield_goes_when_its_pod_was_idle_for_a_while():
    shields, pods = Shields(ShieldRules()), [pod("a", annotations=SHIELDED)]
    assert due(shields, pods, {"a": False}, 0) == []
    assert due(shields, pods, {"a": True}, 60) == []
    assert due(shields, pods, {"a": False}, 100) == []
    assert due(shields, pods, {"a": False}, 99 + IDLE_SECONDS) == []
    assert due(shields, pods, {"a": False}, 100 + IDLE_SECONDS) == ["a"]


def test_what_is_not_known_ends_the_wait():
    shields, pods = Shields(ShieldRules()), [pod("a", annotations=SHIELDED)]
    assert due(shields, pods, {"a": False}, 0) == []
    assert due(shields, pods, {}, IDLE_SECONDS) == []
    assert due(shields, pods, {"a": False}, IDLE_SECONDS + 1) == []


def test_no_more_is_written_than_allowed():
    shields = Shields(ShieldRules(writes_per_second=2, writes_per_tick=3))
    pods, busy = [pod(f"p{n}") for n in range(20)], {f"p{n}": True for n in range(20)}
    assert len(due(shields, pods, busy, 0)) == 2
    assert len(due(shields, pods, busy, 0)) == 0
    assert len(due(shields, pods, busy, 1)) == 2
    assert len(due(shields, pods, busy, 60)) == 3
    assert len(due(shields, pods[:1], busy, 120)) == 1
    assert len(due(shields, pods, busy, 120)) == 2


def test_terminating_pods_are_left_alone():
    going = pod("a", deletionTimestamp="2026-11-22T10:00:00Z")
    assert due(Shields(ShieldRules()), [going], {"a": True}, 0) == []

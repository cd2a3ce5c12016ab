"""Somebody must lead."""

from dataclasses import replace

from autoscaler.checks.leader import LeaderMissing
from autoscaler.model import Severity
from tests.checks.scene import look, make, scene


def test_with_a_leader_all_is_well():
    check = make(LeaderMissing)
    assert look(check, scene()) == ([], [])
    assert look(check, replace(scene(), leader=False, led_by="other")) == ([], [])


def test_without_one_nothing_is_scaled():
    why = "redis://broker:6379/0: it cannot be reached"
    orphaned = replace(scene(), leader=False, not_leading=why)
    [finding], _ = look(make(LeaderMissing), orphaned)
    assert finding.severity is Severity.CRITICAL
    assert finding.summary == f"Nobody leads, so nothing is scaled: {why}."
    assert "`leader` in the config" in finding.remedy

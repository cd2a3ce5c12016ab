"""A change waits until it was wanted for a whole window."""

from __future__ import annotations

import pytest

from autoscaler.engine.behavior import with_defaults
from autoscaler.engine.history import History, LoggedRecommendation
from autoscaler.engine.stabilization import Windows, stabilize
from autoscaler.model import ScalingRules, Stage
from tests.records import NOW


def stabilized(current, proposed, windows, *entries):
    log = tuple(LoggedRecommendation(replicas, NOW - age) for replicas, age in entries)
    step, after = stabilize(History(recommendations=log), current, proposed, NOW, windows)
    assert (step.stage, step.before) == (Stage.STABILIZE, proposed)
    assert after.recommendations[-1].replicas == proposed or len(after.recommendations) == len(log)
    return step


def test_nothing_stands_against_a_change_that_was_always_wanted():
    step = stabilized(5, 3, Windows(0, 300), (3, 10), (2, 20))
    assert (step.after, step.reason, step.until) == (3, "ReadyForNewScale", None)


def test_a_fall_waits_for_the_highest_recommendation_to_age():
    step = stabilized(10, 3, Windows(0, 300), (8, 120), (5, 60), (9, 301))
    assert (step.after, step.reason, step.until) == (8, "ScaleDownStabilized", NOW + 180)
    assert step.message == (
        "8 was recommended 120 s ago, and a fall must be wanted for 300 s: 180 s are left"
    )


def test_a_rise_waits_for_the_lowest_recommendation_to_age():
    step = stabilized(4, 9, Windows(60, 300), (6, 20), (7, 10), (2, 61))
    assert (step.after, step.reason, step.until) == (6, "ScaleUpStabilized", NOW + 40)
    assert "a rise must be wanted for 60 s: 40 s are left" in step.message


@pytest.mark.parametrize(("proposed", "recent"), [(1, 3), (3, 1)])
def test_the_present_size_stays_between_the_two_windows(proposed, recent):
    step = stabilized(2, proposed, Windows(300, 300), (recent, 60))
    assert step.after == 2
    assert step.until == NOW + 240


def test_with_behavior_a_falling_proposal_never_raises():
    assert stabilized(5, 4, Windows(0, 300), (13, 60)).after == 5


def test_without_behavior_the_highest_recent_recommendation_wins_even_above_the_present_size():
    step = stabilized(5, 4, Windows(0, 300, behaved=False), (13, 300), (20, 301))
    assert (step.after, step.reason, step.until) == (13, "ScaleDownStabilized", NOW)


def test_an_empty_log_is_no_hindrance():
    step, after = stabilize(History(), 5, 1, NOW, Windows(60, 60))
    assert step.after == 1
    assert after.recommendations == (LoggedRecommendation(1, NOW),)


def test_windows_of_a_behavior():
    assert Windows.of(None) == Windows(0, 300, behaved=False)
    assert Windows.of(with_defaults(ScalingRules(60), None)) == Windows(60, 300, behaved=True)

"""What is remembered, and which slot is used again."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.guards import GuardMemory
from autoscaler.engine.history import History, LoggedRecommendation, ScaleEvent, change_in_period
from autoscaler.model import Behavior, Limit, LimitType, ScalingRules
from tests.records import NOW

MINUTE = ScalingRules(limits=(Limit(LimitType.PODS, 1, 60), Limit(LimitType.PODS, 2, 30)))
SHRUNK = GuardMemory(shrinks=((NOW - 5, 1),))
BEHAVIOR = Behavior(MINUTE, MINUTE)


def logged(*entries):
    return tuple(LoggedRecommendation(replicas, NOW - age) for replicas, age in entries)


def events(*entries):
    return tuple(ScaleEvent(replicas, NOW - age, *more) for replicas, age, *more in entries)


def test_a_fresh_history_is_seeded_with_the_present_size_once():
    history = History().seeded(5, NOW)
    assert history.recommendations == logged((5, 0))
    assert history.seeded(9, NOW + 5) is history
    assert History(recommendations=()).seeded(5, NOW).recommendations == ()


def test_when_the_clock_is_set_back_everything_is_as_old_as_it_was_at_the_last_tick():
    kept = History(
        logged((1, 60), (2, 0)),
        events((1, 60)),
        events((2, 0, True), (3, 90)),
        replace(SHRUNK, last_tick_at=NOW),
    )
    assert kept.until(NOW) == kept.until(NOW + 9) == kept
    assert kept.until(NOW - 600) == History(
        logged((1, 660), (2, 600)),
        events((1, 660)),
        events((2, 600, True), (3, 690)),
        GuardMemory(last_tick_at=NOW - 600, shrinks=((NOW - 605, 1),)),
    )
    assert kept.until(NOW - 600).until(NOW - 600) == kept.until(NOW - 600)
    assert History(recommendations=None, guard=kept.guard).until(NOW - 1).recommendations is None
    assert History().until(NOW) == History()


def test_the_last_slot_older_than_every_window_is_used_again():
    history = History(recommendations=logged((1, 400), (2, 350), (3, 300), (4, 10)))
    after = history.recommended(9, NOW, longest_window_seconds=300)
    assert after.recommendations == logged((1, 400), (9, 0), (3, 300), (4, 10))


def test_without_a_free_slot_the_log_grows():
    history = History(recommendations=logged((3, 300)))
    assert history.recommended(9, NOW, 300).recommendations == logged((3, 300), (9, 0))
    assert History().recommended(9, NOW, 300).recommendations == logged((9, 0))


def test_each_direction_has_its_events():
    history = History().scaled(2, 5, NOW, BEHAVIOR).scaled(5, 4, NOW + 1, BEHAVIOR)
    assert history.ups == (ScaleEvent(3, NOW),)
    assert history.downs == (ScaleEvent(1, NOW + 1),)


def test_events_older_than_the_longest_period_are_marked_and_their_last_slot_is_used_again():
    history = History(ups=events((1, 90), (2, 61), (3, 60), (4, 31)))
    after = history.scaled(10, 15, NOW, BEHAVIOR)
    assert after.ups == events((1, 90, True), (5, 0), (3, 60), (4, 31))


def test_a_slot_once_outdated_stays_free_though_the_period_grew():
    history = History(downs=events((1, 10, True)))
    assert history.scaled(5, 3, NOW, BEHAVIOR).downs == events((2, 0))


def test_without_behavior_no_event_is_kept_but_the_guards_know_of_the_shrink():
    history = History().scaled(5, 3, NOW, None)
    assert (history.ups, history.downs) == ((), ())
    assert history.guard.shrinks == ((NOW, 2),)


def test_a_change_of_nothing_is_no_event():
    assert History().scaled(5, 5, NOW, BEHAVIOR) == History()


def test_growth_is_no_shrink():
    assert History().scaled(3, 5, NOW, BEHAVIOR).guard.shrinks == ()


def test_change_in_period_leaves_out_its_very_beginning():
    assert change_in_period(events((1, 60), (2, 59.9), (4, 0)), 60, NOW) == 6
    assert change_in_period((), 60, NOW) == 0

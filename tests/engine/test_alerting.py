"""Alerts: pending, firing, resolved, and untouched while nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.alerting import AlertBook
from autoscaler.model import Alert, AlertState, Finding, Severity, Unchecked

FOR_SECONDS = {"slow": 30.0}


def finding(check: str = "slow", summary: str = "it is slow", **labels: str) -> Finding:
    return Finding(check, Severity.WARNING, summary, labels)


class Story:
    """Ticks one after the other, and what each of them changed."""

    def __init__(self) -> None:
        self.book = AlertBook()

    def tick(
        self, now: float, *findings: Finding, unchecked: Iterable[Unchecked] = ()
    ) -> list[Alert]:
        self.book, changed = self.book.advance(findings, unchecked, FOR_SECONDS, now)
        return list(changed)

    @property
    def states(self) -> list[AlertState]:
        return [alert.state for alert in self.book.alerts.values()]


def test_a_finding_that_lasts_fires_once_and_resolves_once():
    story = Story()
    assert story.tick(100, finding()) == []
    assert story.states == [AlertState.PENDING]
    assert story.tick(129, finding()) == []
    assert story.tick(130, finding()) == [
        Alert(finding(), AlertState.FIRING, active_since=100, fired_at=130)
    ]
    assert story.tick(135, finding()) == []
    assert story.tick(140) == [
        Alert(finding(), AlertState.RESOLVED, active_since=100, fired_at=130, resolved_at=140)
    ]
    assert story.book == AlertBook()


def test_a_clock_that_goes_back_delays_an_alert_by_no_more_than_its_time():
    story = Story()
    story.tick(5_000, finding())
    assert story.tick(100, finding()) == []
    assert story.tick(129, finding()) == []
    [fired] = story.tick(130, finding())
    assert (fired.active_since, fired.fired_at) == (100, 130)
    assert story.tick(50, finding()) == []
    assert story.states == [AlertState.FIRING]


def test_a_finding_that_does_not_last_tells_nobody():
    story = Story()
    assert story.tick(100, finding()) == []
    assert story.tick(110) == []
    assert story.tick(120, finding()) == []
    assert story.tick(149, finding()) == []
    assert story.states == [AlertState.PENDING]


def test_a_check_without_for_seconds_fires_at_once():
    story = Story()
    (alert,) = story.tick(100, finding("sudden"))
    assert alert.state is AlertState.FIRING
    assert alert.fired_at == alert.active_since == 100


def test_two_ticks_at_one_instant_tell_once():
    story = Story()
    assert len(story.tick(100, finding("sudden", "1 task"))) == 1
    assert story.tick(100, finding("sudden", "2 tasks")) == []


def test_an_alert_shows_what_its_finding_says_now():
    story = Story()
    story.tick(100, finding(summary="3 tasks wait"))
    story.tick(130, finding(summary="5 tasks wait"))
    story.tick(140, finding(summary="9 tasks wait"))
    (alert,) = story.book.alerts.values()
    assert (alert.finding.summary, alert.active_since) == ("9 tasks wait", 100)


def test_labels_tell_alerts_apart():
    story = Story()
    story.tick(100, finding(queue="a"), finding(queue="b"))
    changed = story.tick(130, finding(queue="a"))
    assert [alert.finding.labels for alert in changed] == [{"queue": "a"}]


def test_data_that_vanished_resolves_nothing():
    story = Story()
    for now in (100, 130):
        story.tick(now, finding(queue="a"), finding(queue="b"))
    unread = [Unchecked("slow", "not read", {"queue": "a"})]
    assert [a.finding.labels for a in story.tick(140, unchecked=unread)] == [{"queue": "b"}]
    assert story.tick(150, unchecked=[Unchecked("slow", "nothing was read")]) == []
    assert story.states == [AlertState.FIRING]
    assert [a.state for a in story.tick(160)] == [AlertState.RESOLVED]


def test_what_one_check_cannot_judge_keeps_no_other_alive():
    story = Story()
    for now in (100, 130):
        story.tick(now, finding())
    assert len(story.tick(140, unchecked=[Unchecked("other", "not read")])) == 1


def test_a_pending_alert_waits_unjudged_and_fires_only_on_sight():
    story = Story()
    story.tick(100, finding())
    assert story.tick(140, unchecked=[Unchecked("slow", "not read")]) == []
    assert story.states == [AlertState.PENDING]
    assert [a.state for a in story.tick(145, finding())] == [AlertState.FIRING]


PRESENCE = st.lists(st.sampled_from(["seen", "absent", "unread"]), max_size=40)


@given(PRESENCE)
def test_every_firing_is_told_once_and_only_sight_ends_it(presence: list[str]):
    story, told = Story(), []
    for number, what in enumerate(presence):
        findings = [finding()] if what == "seen" else []
        unchecked = [Unchecked("slow", "")] if what == "unread" else []
        changed = story.tick(10.0 * number, *findings, unchecked=unchecked)
        told += [alert.state for alert in changed]
        if what != "absent" and story.states:
            assert AlertState.RESOLVED not in [alert.state for alert in changed]
        if what == "absent":
            assert story.states == []
    expected = [AlertState.FIRING, AlertState.RESOLVED] * len(told)
    assert told == expected[: len(told)]

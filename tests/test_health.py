"""Health: checks that fail alone, and alerts that reach every notifier at least once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from autoscaler import health as module
from autoscaler.errors import NotifyError
from autoscaler.health import Health
from autoscaler.interfaces import Check, CheckOptions, Context, Notifier, Options
from autoscaler.model import Alert, AlertState, Finding, Severity, Tick, Unchecked
from tests.records import NOW
from tests.servers import eventually
from tests.ticks import tick

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED


class Listed(Check[CheckOptions]):
    """Finds what the test lists, or raises what the test says."""

    options_type = CheckOptions

    def __init__(self, name: str = "listed", for_seconds: float = 0) -> None:
        super().__init__(CheckOptions(for_seconds=for_seconds), Context(name))
        self.queues: list[str] = []
        self.bug: Exception | None = None
        self.closed = False

    def find(self, tick: Tick) -> Iterable[Finding | Unchecked]:
        if self.bug is not None:
            raise self.bug
        for queue in self.queues:
            yield Finding(self.context.name, Severity.WARNING, "It waits.", {"queue": queue})

    async def aclose(self) -> None:
        self.closed = True


class Ear(Notifier[Options]):
    """Hears alerts; before each hearing the test may put something in the way."""

    def __init__(self) -> None:
        super().__init__(Options(), Context("ear"))
        self.heard: list[tuple[str, AlertState]] = []
        self.attempts: list[tuple[int, float]] = []
        self.hinder: Callable[[Sequence[Alert]], object] = lambda _: None
        self.closed = False

    async def notify(self, alerts: Sequence[Alert], now: float) -> None:
        self.attempts.append((len(alerts), now))
        await asyncio.sleep(0)
        hindrance = self.hinder(alerts)
        if isinstance(hindrance, Exception):
            raise hindrance
        if hindrance is not None:
            await asyncio.Event().wait()
        self.heard += [(alert.finding.labels["queue"], alert.state) for alert in alerts]

    async def aclose(self) -> None:
        self.closed = True


class NoJitter(Random):
    """Retries at once, and remembers between what the delay was to be chosen."""

    def __init__(self) -> None:
        super().__init__(1)
        self.spans: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.spans.append((a, b))
        return 0.0


def health_of(check: Listed, *ears: Ear, **more: Any) -> Health:
    return Health({check.context.name: check}, ears, random=NoJitter(), **more)


@contextlib.asynccontextmanager
async def delivering(health: Health) -> AsyncIterator[None]:
    task = asyncio.create_task(health.deliver())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def states(alerts: Iterable[Alert]) -> list[tuple[str, AlertState]]:
    return [(alert.finding.labels["queue"], alert.state) for alert in alerts]


def test_a_tick_gives_findings_and_alerts_and_just_once_what_resolved():
    check = Listed(for_seconds=10)
    health = health_of(check)
    check.queues = ["a"]
    findings, alerts = health.examine(tick(now=NOW))
    assert [finding.labels for finding in findings] == [{"queue": "a"}]
    assert states(alerts) == [("a", AlertState.PENDING)]
    assert states(health.examine(tick(now=NOW + 10))[1]) == [("a", FIRING)]
    check.queues = []
    findings, alerts = health.examine(tick(now=NOW + 20))
    assert findings == ()
    assert states(alerts) == [("a", RESOLVED)]
    assert health.examine(tick(now=NOW + 30)) == ((), ())


def test_a_check_with_a_bug_silences_only_itself_and_resolves_nothing():
    broken, sound = Listed("broken"), Listed("sound")
    health = Health({"broken": broken, "sound": sound})
    broken.queues = sound.queues = ["a"]
    health.examine(tick(now=NOW))
    broken.bug = KeyError("x")
    with capture_logs() as log:
        for later in (5, 10):
            findings, alerts = health.examine(tick(now=NOW + later))
            assert [finding.check for finding in findings] == ["sound"]
            assert states(alerts) == [("a", FIRING), ("a", FIRING)]
        broken.bug = None
        health.examine(tick(now=NOW + 15))
    assert [(line["event"], line["check"]) for line in log] == [
        ("check failed", "broken"),
        ("check recovered", "broken"),
    ]
    assert log[0]["exc_info"]
    assert health.check_errors == {"broken": 2}


async def test_every_notifier_hears_what_fires_and_what_resolves():
    check, ears = Listed(), [Ear(), Ear()]
    health = health_of(check, *ears)
    async with delivering(health):
        check.queues = ["a", "b"]
        health.examine(tick(now=NOW))
        await eventually(lambda: all(ear.heard for ear in ears))
        check.queues = ["b"]
        health.examine(tick(now=NOW + 5))
        await eventually(lambda: all(len(ear.heard) == 3 for ear in ears))
    for ear in ears:
        assert ear.heard == [("a", FIRING), ("b", FIRING), ("a", RESOLVED)]
        assert ear.attempts == [(2, NOW), (1, NOW + 5)]
    assert health.undelivered() == ()


async def test_a_notifier_that_is_down_hears_all_later_and_delays_no_other():
    check, deaf, well = Listed(), Ear(), Ear()
    health = health_of(check, deaf, well)
    deaf.hinder = lambda _: NotifyError("connection refused")
    check.queues = ["a"]
    with capture_logs() as log:
        async with delivering(health):
            health.examine(tick(now=NOW))
            await eventually(lambda: well.heard and len(deaf.attempts) > 8)
            check.queues = []
            health.examine(tick(now=NOW + 5))
            assert states(health.undelivered())[0] == ("a", FIRING)
            deaf.hinder = lambda _: None
            await eventually(lambda: deaf.heard == [("a", FIRING), ("a", RESOLVED)])
    assert [line["event"] for line in log] == ["notifier failing", "notifier recovered"]
    assert log[0]["why"] == "connection refused"


async def test_retries_wait_for_a_random_growing_bounded_while():
    check, ear, jitter = Listed(), Ear(), NoJitter()
    health = Health({"listed": check}, [ear], random=jitter)
    ear.hinder = lambda _: NotifyError("503")
    check.queues = ["a"]
    async with delivering(health):
        health.examine(tick(now=NOW))
        await eventually(lambda: len(jitter.spans) >= 20)
    assert jitter.spans[:8] == [(0, n) for n in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert jitter.spans[19] == (0, 60)


async def test_what_a_notifier_never_accepts_is_dropped_alone():
    def refuse_b(alerts: Sequence[Alert]) -> Exception | None:
        refused = any(alert.finding.labels["queue"] == "b" for alert in alerts)
        return NotifyError("400", permanent=True) if refused else None

    check, ear = Listed(), Ear()
    health = health_of(check, ear)
    ear.hinder = refuse_b
    check.queues = ["a", "b", "c"]
    with capture_logs() as log:
        async with delivering(health):
            health.examine(tick(now=NOW))
            await eventually(lambda: not health.undelivered())
    assert ear.heard == [("a", FIRING), ("c", FIRING)]
    assert [(line["event"], line["why"]) for line in log] == [("alert dropped", "400")]


@pytest.mark.parametrize("hindrance", ["hangs", RuntimeError("a bug")])
async def test_a_notifier_that_hangs_or_has_a_bug_is_tried_again(hindrance):
    check, ear = Listed(), Ear()
    health = health_of(check, ear, patience_seconds=0.01)
    ear.hinder = lambda _: hindrance
    check.queues = ["a"]
    with capture_logs() as log:
        async with delivering(health):
            health.examine(tick(now=NOW))
            await eventually(lambda: len(ear.attempts) > 2)
            ear.hinder = lambda _: None
            await eventually(lambda: ear.heard == [("a", FIRING)])
    why = "no end within 0.01 s" if hindrance == "hangs" else "a bug in its plugin"
    assert log[0]["why"].startswith(why)


async def test_an_alert_that_fires_again_during_delivery_is_told_again():
    check, ear = Listed(), Ear()
    health = health_of(check, ear)

    def flap(_: Sequence[Alert]) -> None:
        if len(ear.attempts) == 1:
            for queues in ([], ["a"]):
                check.queues = list(queues)
                health.examine(tick(now=NOW + 5))

    ear.hinder = flap
    check.queues = ["a"]
    async with delivering(health):
        health.examine(tick(now=NOW))
        await eventually(lambda: not health.undelivered())
    assert ear.heard == [("a", FIRING), ("a", RESOLVED), ("a", FIRING)]


async def test_what_waits_is_bounded_and_sent_in_portions():
    check, ear = Listed(), Ear()
    health = health_of(check, ear)
    check.queues = [f"q{number}" for number in range(module.MOST_UNDELIVERED + 5)]
    with capture_logs() as log:
        health.examine(tick(now=NOW))
    assert [line["event"] for line in log] == ["alert dropped"] * 5
    async with delivering(health):
        await eventually(lambda: not health.undelivered())
    assert ear.heard[0] == ("q5", FIRING)
    assert [size for size, _ in ear.attempts] == [module.MOST_AT_ONCE] * 10


async def test_a_reload_carries_on_with_alerts_and_undelivered_messages():
    check = Listed()
    before = health_of(check, Ear(), Ear())
    check.queues = ["a"]
    before.examine(tick(now=NOW))
    ear = Ear()
    after = health_of(check, ear, previous=before)
    check.queues = []
    after.examine(tick(now=NOW + 5))
    async with delivering(after):
        await eventually(lambda: not after.undelivered())
    assert ear.heard == [("a", FIRING), ("a", RESOLVED)]


async def test_the_end_closes_every_plugin():
    check, ear = Listed(), Ear()
    health = health_of(check, ear)
    await health.aclose()
    assert check.closed
    assert ear.closed


async def test_while_another_leads_nobody_is_told_and_then_all_that_fires():
    check, ear = Listed(), Ear()
    health = health_of(check, ear)
    async with delivering(health):
        check.queues = ["long", "short", "brief"]
        health.examine(tick(now=NOW, led_by="another"))
        check.queues = ["long", "short"]
        health.examine(tick(now=NOW + 10, led_by="another"))
        check.queues = ["long"]
        health.examine(tick(now=NOW + 100, led_by="another"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert ear.attempts == []
        health = Health({"listed": check}, [ear], previous=health)
        health.examine(tick(now=NOW + 140, led_by="another"))
    async with delivering(health):
        assert ear.heard == []
        check.queues = ["long", "new"]
        health.examine(tick(now=NOW + 141))
        await eventually(lambda: ear.heard, "what the last leader may not have told")
    assert ear.heard == [("short", RESOLVED), ("long", FIRING), ("new", FIRING)]


async def test_with_no_leader_at_all_everybody_tells():
    check, ear = Listed(), Ear()
    health = health_of(check, ear)
    check.queues = ["a"]
    async with delivering(health):
        health.examine(tick(now=NOW, leader=False))
        await eventually(lambda: ear.heard == [("a", FIRING)], "the alert")

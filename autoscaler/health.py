"""Runs the checks over each tick, and delivers the alerts that change to every notifier."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import structlog

from autoscaler.engine.alerting import AlertBook, Key
from autoscaler.errors import NotifyError
from autoscaler.interfaces import Check, Notifier
from autoscaler.model import Alert, AlertState, Finding, Tick, Unchecked

MOST_UNDELIVERED = 1_000
MOST_AT_ONCE = 100
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
RETOLD_SECONDS = 120.0


class Health:
    """What is unhealthy now, and who has still to be told. Needs none of the watched systems.

    checks: by name; each finding bears that name. previous: the health of before a reload, whose
    alerts and undelivered messages carry on. random: spreads retries. patience_seconds: how long
    one delivery may take.
    """

    def __init__(
        self,
        checks: Mapping[str, Check[Any]],
        notifiers: Sequence[Notifier[Any]] = (),
        *,
        previous: Health | None = None,
        random: Random | None = None,
        patience_seconds: float = 30.0,
    ) -> None:
        self.book: AlertBook = previous.book if previous else AlertBook()
        self.check_errors: Counter[str] = Counter()
        self._checks = checks
        self._for_seconds = {name: check.options.for_seconds for name, check in checks.items()}
        self._broken: frozenset[str] = frozenset()
        self._resolved_lately: tuple[Alert, ...] = previous._resolved_lately if previous else ()
        self._log = structlog.get_logger()
        jitter = random or Random()  # noqa: S311 - spreads retries, guards nothing
        self._outboxes = [Outbox(notifier, jitter, patience_seconds) for notifier in notifiers]
        for outbox in self._outboxes:
            outbox.hold(previous.undelivered() if previous else ())

    def examine(self, tick: Tick) -> tuple[tuple[Finding, ...], tuple[Alert, ...]]:
        """The findings of this tick, and every alert: pending, firing or resolved just now.

        Queues what changed for the notifiers, unless another daemon leads, which tells of the
        same; waits for nothing and raises nothing.
        """
        findings: list[Finding] = []
        unchecked: list[Unchecked] = []
        for one in self._results(tick):
            if isinstance(one, Finding):
                findings.append(one)
            else:
                unchecked.append(one)
        now = tick.snapshot.now
        self.book, changed = self.book.advance(findings, unchecked, self._for_seconds, now)
        resolved = [alert for alert in changed if alert.state is AlertState.RESOLVED]
        for outbox in self._outboxes:
            outbox.now = now
            if tick.led_by:
                outbox.hold(self._to_retell(resolved, now))
            else:
                outbox.put(changed)
        return tuple(findings), (*self.book.alerts.values(), *resolved)

    def _to_retell(self, resolved: Sequence[Alert], now: float) -> tuple[Alert, ...]:
        """What the leader may not have told of when it dies: all that fires, or did just now."""
        known = (*self._resolved_lately, *resolved)
        self._resolved_lately = tuple(
            a for a in known if now - (a.resolved_at or 0) < RETOLD_SECONDS
        )
        alerts = self.book.alerts.values()
        firing = (alert for alert in alerts if alert.state is AlertState.FIRING)
        return (*self._resolved_lately, *firing)

    async def deliver(self) -> None:
        """Tell the notifiers, each at its own pace, until cancelled. At least once each."""
        async with asyncio.TaskGroup() as deliveries:
            for outbox in self._outboxes:
                deliveries.create_task(outbox.run())

    def undelivered(self) -> tuple[Alert, ...]:
        """What at least one notifier has still to be told, each change once."""
        waiting = (alert for outbox in self._outboxes for alert in outbox.waiting())
        return tuple({(alert.finding.key, alert.state): alert for alert in waiting}.values())

    async def aclose(self) -> None:
        """Close every check and notifier."""
        async with AsyncExitStack() as stack:
            for plugin in (*self._checks.values(), *(box.notifier for box in self._outboxes)):
                stack.push_async_callback(plugin.aclose)

    def _results(self, tick: Tick) -> list[Finding | Unchecked]:
        """What every check says; one that raises says nothing, and its alerts stay as they are."""
        results: list[Finding | Unchecked] = []
        broken = set()
        for name, check in self._checks.items():
            try:
                results += list(check.find(tick))
            except Exception as error:  # noqa: BLE001 - a check's bug silences only itself
                results.append(Unchecked(name, repr(error)))
                broken.add(name)
                self.check_errors[name] += 1
                if name not in self._broken:
                    self._log.exception("check failed", check=name)
        for name in self._broken - broken:
            self._log.info("check recovered", check=name)
        self._broken = frozenset(broken)
        return results


class Outbox:
    """The alerts that one notifier has still to be told; a newer state replaces an older one."""

    def __init__(self, notifier: Notifier[Any], random: Random, patience_seconds: float) -> None:
        self.notifier = notifier
        self.now = 0.0
        self.dropped = 0
        self._random = random
        self._patience_seconds = patience_seconds
        self._waiting: dict[tuple[Key, AlertState], Alert] = {}
        self._filled = asyncio.Event()
        self._failures = 0
        self._log = structlog.get_logger().bind(notifier=notifier.context.name)

    def put(self, alerts: Iterable[Alert]) -> None:
        """Queue alerts; when too many wait, the oldest go."""
        for alert in alerts:
            key = (alert.finding.key, alert.state)
            self._waiting.pop(key, None)
            self._waiting[key] = alert
        while len(self._waiting) > MOST_UNDELIVERED:
            self._drop([next(iter(self._waiting.values()))], "too many alerts wait")
        if self._waiting:
            self._filled.set()

    def hold(self, alerts: Sequence[Alert]) -> None:
        """Have these ready, and nothing else, but tell nobody before the next `put`."""
        self._filled.clear()
        newest = alerts[-MOST_UNDELIVERED:]
        self._waiting = {(alert.finding.key, alert.state): alert for alert in newest}

    def waiting(self) -> tuple[Alert, ...]:
        """What is not delivered yet, the latest change last."""
        return tuple(self._waiting.values())

    async def run(self) -> None:
        """Deliver for ever, and after a failure wait for a random, growing while."""
        while True:
            await self._filled.wait()
            try:
                await self._deliver(self.waiting()[:MOST_AT_ONCE])
            except NotifyError as error:
                await self._back_off(str(error))
            except TimeoutError:
                await self._back_off(f"no end within {self._patience_seconds:g} s")
            except Exception as error:  # noqa: BLE001 - a notifier's bug silences only itself
                await self._back_off(f"a bug in its plugin: {error!r}")
            else:
                self._recover()

    async def _deliver(self, alerts: Sequence[Alert]) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self.notifier.notify(alerts, self.now)
        except NotifyError as error:
            if not error.permanent:
                raise
            if len(alerts) == 1:
                self._drop(alerts, str(error))
                return
            for alert in alerts:
                await self._deliver([alert])
        self._forget(alerts)

    async def _back_off(self, why: str) -> None:
        if self._failures == 0:
            self._log.warning("notifier failing", why=why, undelivered=len(self._waiting))
        longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        await asyncio.sleep(self._random.uniform(0, longest))

    def _recover(self) -> None:
        if self._failures:
            self._log.info("notifier recovered")
        self._failures = 0

    def _drop(self, alerts: Iterable[Alert], why: str) -> None:
        for alert in alerts:
            self.dropped += 1
            self._log.error("alert dropped", alert=alert.finding.check, why=why)
        self._forget(alerts)

    def _forget(self, alerts: Iterable[Alert]) -> None:
        """Take away what was delivered, unless it changed meanwhile."""
        for alert in alerts:
            key = (alert.finding.key, alert.state)
            if self._waiting.get(key) is alert:
                del self._waiting[key]
        if not self._waiting:
            self._filled.clear()

"""Bugs in alerts: when they fire, when they resolve, and who is told."""

from __future__ import annotations

from tests.simulation.mutants.bug import Bug

TELLING = (
    Bug(
        "never_fires",
        "engine.alerting",
        "and now - alert.active_since >= for_seconds:",
        "and now - alert.active_since >= 100 + for_seconds:",
    ),
    Bug(
        "fires_at_once",
        "engine.alerting",
        "and now - alert.active_since >= for_seconds:",
        "and now - alert.active_since >= 0:",
    ),
    Bug(
        "never_resolves",
        "engine.alerting",
        "if any(one.covers(alert.finding) for one in unjudged):",
        "if True:",
    ),
    Bug(
        "resolves_unseen",
        "engine.alerting",
        "if any(one.covers(alert.finding) for one in unjudged):",
        "if False:",
    ),
    Bug(
        "resolves_in_silence",
        "engine.alerting",
        "changed.append(replace(alert, state=AlertState.RESOLVED, resolved_at=now))",
        "pass",
    ),
    Bug(
        "fires_in_silence",
        "engine.alerting",
        "if alert.state is AlertState.FIRING and not _fires(before):",
        "if alert.state is AlertState.FIRING and before is None:",
    ),
    Bug(
        "clock_goes_back_and_alerts_wait",
        "engine.alerting",
        "before.active_since > now",
        "before.active_since > now + 1e9",
    ),
    Bug(
        "undelivered_is_forgotten",
        "health",
        "except NotifyError as error:\n                await self._back_off(str(error))",
        "except NotifyError as error:\n                self._forget(self.waiting())\n"
        "                await self._back_off(str(error))",
    ),
    Bug(
        "notifier_hangs_for_ever",
        "health",
        "async with asyncio.timeout(self._patience_seconds):",
        "async with asyncio.timeout(None):",
    ),
    Bug(
        "back_off_has_no_end",
        "health",
        "longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**self._failures)",
        "longest = FIRST_RETRY_SECONDS * 60 * 2**self._failures",
    ),
    Bug(
        "one_checks_bug_is_the_end",
        "health",
        "except Exception as error:  # noqa: BLE001 - a check's bug",
        "except LookupError as error:  # a check's bug",
    ),
    Bug(
        "reload_forgets_alerts",
        "health",
        "self.book: AlertBook = previous.book if previous else AlertBook()",
        "self.book: AlertBook = AlertBook()",
    ),
    Bug(
        "reload_forgets_the_undelivered",
        "health",
        "outbox.hold(previous.undelivered() if previous else ())",
        "outbox.put(())",
    ),
    Bug(
        "unread_sources_are_no_finding",
        "checks.sources",
        'if part and system != "target":',
        'if part or system != "target":',
    ),
    Bug(
        "blind_checks_judge",
        "checks.workers",
        'return "; ".join(sorted(faults))',
        'return ""',
    ),
)

"""Notifier that writes one log line for each alert that begins or ceases to fire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from autoscaler.interfaces import Context, Notifier, Options
from autoscaler.model import Alert, AlertState, Severity

LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}


class LogOptions(Options):
    """The log notifier has no options."""


class Log(Notifier[LogOptions]):
    """Writes alerts into the daemon's own log."""

    options_type = LogOptions

    def __init__(self, options: LogOptions, context: Context) -> None:
        super().__init__(options, context)
        self._log = structlog.get_logger()

    async def notify(self, alerts: Sequence[Alert], now: float) -> None:
        for alert in alerts:
            finding = alert.finding
            resolved = alert.state is AlertState.RESOLVED
            level = "info" if resolved else LEVELS[finding.severity]
            getattr(self._log, level)(
                f"alert {alert.state.value}",
                alert=finding.check,
                severity=finding.severity.value,
                summary=finding.summary,
                since=datetime.fromtimestamp(alert.active_since, UTC).isoformat(),
                labels=dict(finding.labels),
                evidence=dict(finding.evidence),
                remedy=finding.remedy,
            )

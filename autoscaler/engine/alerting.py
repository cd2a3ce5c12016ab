"""Findings through time: pending, then firing when they last, then resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from autoscaler.model import Alert, AlertState, Finding, Unchecked

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class AlertBook:
    """Every alert that is pending or firing, by the key of its finding."""

    alerts: Mapping[Key, Alert] = field(default_factory=dict)

    def advance(
        self,
        findings: Iterable[Finding],
        unchecked: Iterable[Unchecked],
        for_seconds: Mapping[str, float],
        now: float,
    ) -> tuple[AlertBook, tuple[Alert, ...]]:
        """The book after one tick, and the alerts that began or ceased firing at `now`.

        for_seconds: check -> how long its findings last before they fire; 0 when it is not there.
        An alert whose check could not look stays as it is: data that vanished resolves nothing.
        """
        alerts: dict[Key, Alert] = {}
        changed: list[Alert] = []
        for finding in findings:
            before = self.alerts.get(finding.key)
            alert = _found(before, finding, for_seconds.get(finding.check, 0.0), now)
            alerts[finding.key] = alert
            if alert.state is AlertState.FIRING and not _fires(before):
                changed.append(alert)
        unjudged = tuple(unchecked)
        for key, alert in self.alerts.items():
            if key in alerts:
                continue
            if any(one.covers(alert.finding) for one in unjudged):
                alerts[key] = alert
            elif _fires(alert):
                changed.append(replace(alert, state=AlertState.RESOLVED, resolved_at=now))
        return AlertBook(alerts), tuple(changed)


def _found(before: Alert | None, finding: Finding, for_seconds: float, now: float) -> Alert:
    if before is None or (before.state is AlertState.PENDING and before.active_since > now):
        before = Alert(finding, AlertState.PENDING, active_since=now)  # or the clock went back
    alert = replace(before, finding=finding)
    if alert.state is AlertState.PENDING and now - alert.active_since >= for_seconds:
        return replace(alert, state=AlertState.FIRING, fired_at=now)
    return alert


def _fires(alert: Alert | None) -> bool:
    return alert is not None and alert.state is AlertState.FIRING

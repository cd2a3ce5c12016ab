"""What is unhealthy, and the alert it becomes when it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody must look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found unhealthy.

    labels tell findings of one check apart and must not churn; evidence is what was seen;
    remedy says what to do.
    """

    check: str
    severity: Severity
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes it the same finding on the next tick."""
        return self.check, tuple(sorted(self.labels.items()))


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What a check could not judge, as something it rests on was not read.

    Its findings that carry all these labels are neither confirmed nor refuted by this tick.
    """

    check: str
    reason: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is one of those left unjudged."""
        return self.check == finding.check and self.labels.items() <= finding.labels.items()


class AlertState(StrEnum):
    """As in Prometheus."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding through time; times are Unix seconds."""

    finding: Finding
    state: AlertState
    active_since: float
    fired_at: float | None = None
    resolved_at: float | None = None

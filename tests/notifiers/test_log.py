"""The log notifier: one line for each alert, at a level for its reader."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from autoscaler.interfaces import Context
from autoscaler.model import Alert, AlertState, Finding, Severity
from autoscaler.notifiers.log import Log, LogOptions


async def logged(severity: Severity, state: AlertState) -> dict[str, object]:
    finding = Finding("c", severity, "It is slow.", {"queue": "a"}, {"n": "5"}, "Look.")
    with capture_logs() as lines:
        await Log(LogOptions(), Context("log")).notify([Alert(finding, state, 1_000.0)], 2_000.0)
    (line,) = lines
    return line


async def test_a_line_has_all_that_is_known():
    assert await logged(Severity.WARNING, AlertState.FIRING) == {
        "log_level": "warning",
        "event": "alert firing",
        "alert": "c",
        "severity": "warning",
        "summary": "It is slow.",
        "since": "1970-01-01T00:16:40+00:00",
        "labels": {"queue": "a"},
        "evidence": {"n": "5"},
        "remedy": "Look.",
    }


@pytest.mark.parametrize(
    ("severity", "state", "level"),
    [
        (Severity.INFO, AlertState.FIRING, "info"),
        (Severity.CRITICAL, AlertState.FIRING, "error"),
        (Severity.CRITICAL, AlertState.RESOLVED, "info"),
    ],
)
async def test_levels(severity, state, level):
    line = await logged(severity, state)
    assert (line["log_level"], line["event"]) == (level, f"alert {state}")

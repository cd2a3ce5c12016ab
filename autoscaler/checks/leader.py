"""Checks of leadership: somebody carries decisions out."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from autoscaler.engine.wording import sentence
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import Finding, Severity, Tick


class LeaderMissingOptions(CheckOptions):
    """Options of leader_missing."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")
    for_seconds: float = Field(
        default=60, ge=0, description="How long a finding lasts before it fires"
    )


class LeaderMissing(Check[LeaderMissingOptions]):
    """This daemon does not lead and knows of no other that does: nothing is scaled."""

    options_type = LeaderMissingOptions

    def find(self, tick: Tick) -> Iterator[Finding]:
        if tick.leader or tick.led_by:
            return
        yield Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=sentence(f"Nobody leads, so nothing is scaled: {tick.not_leading}"),
            evidence={"why": tick.not_leading},
            remedy=(
                "See that what keeps the lease (`leader` in the config) is up and can be written "
                "from here. Workers stay as they are until then."
            ),
        )

"""One decision as it is kept and shown: the same document in the ring, the journal and the API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from autoscaler.engine.explain import Explanation, explain
from autoscaler.model import Decision, FleetTick, Outcome, Override, Result
from autoscaler.telemetry.redaction import without_secrets

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What a fleet's turn decided, did and would say of it, without the snapshot it saw."""

    decision: Decision
    ready: int
    draining: int
    result: Result
    outcomes: tuple[Outcome, ...]
    override: Override | None
    missing: dict[str, str]
    error: str
    explanation: Explanation

    @classmethod
    def of(cls, tick: FleetTick) -> DecisionRecord:
        """The record of one turn."""
        snapshot = tick.snapshot
        return cls(
            decision=tick.decision,
            ready=snapshot.ready,
            draining=snapshot.draining,
            result=tick.result,
            outcomes=tick.outcomes,
            override=tick.override,
            missing=dict(snapshot.missing),
            error=tick.error,
            explanation=explain(tick),
        )

    def document(self) -> Document:
        """The record as JSON has it, without secrets; times are RFC 3339 in UTC."""
        decision = self.decision
        document: Document = {
            "fleet": decision.fleet,
            "at": iso_time(decision.at),
            "current": decision.current,
            "desired": decision.desired,
            "ready": self.ready,
            "draining": self.draining,
            "reason": decision.reason,
            "message": decision.message,
            "result": self.result,
            "steps": [asdict(step) | {"until": iso_time(step.until)} for step in decision.steps],
            "recommendations": [asdict(item) for item in decision.recommendations],
            "actions": [outcome_document(outcome) for outcome in self.outcomes],
            "override": override_document(self.override),
            "missing": self.missing,
            "error": self.error,
            "explanation": explanation_document(self.explanation),
        }
        return dict(without_secrets(document))


def same_story(tick: FleetTick, before: FleetTick | None) -> bool:
    """Whether a turn is told well enough by the one before: nothing changed, nothing was done."""
    if before is None:
        return False
    return _story(tick) == _story(before)


def new_outcomes(tick: FleetTick, before: FleetTick | None) -> list[Outcome]:
    """What came of the turn's actions, without what came of the same ones in the turn before."""
    known = set(map(_what, before.outcomes)) if before else set()
    return [outcome for outcome in tick.outcomes if _what(outcome) not in known]


def explanation_document(explanation: Explanation) -> Document:
    """The answers as JSON has them."""
    return asdict(explanation) | {
        "at": iso_time(explanation.at),
        "more_possible_at": iso_time(explanation.more_possible_at),
        "fewer_possible_at": iso_time(explanation.fewer_possible_at),
    }


def outcome_document(outcome: Outcome) -> Document:
    """An action and what came of it, as JSON has it."""
    action = outcome.action
    return {
        "kind": action.kind,
        "unit": action.unit,
        "worker": action.worker,
        "reason": action.reason,
        "result": outcome.result,
        "message": outcome.message,
    }


def override_document(override: Override | None) -> Document | None:
    """An override as JSON has it."""
    if override is None:
        return None
    return asdict(override) | {
        "created_at": iso_time(override.created_at),
        "expires_at": iso_time(override.expires_at),
    }


def iso_time(at: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC, to the millisecond."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _story(tick: FleetTick) -> tuple[object, ...]:
    """Messages count minutes and names churn, so only what they are about is compared."""
    decision = tick.decision
    return (
        decision.current,
        decision.desired,
        decision.reason,
        tick.result,
        tick.override,
        frozenset(tick.snapshot.missing),
        tick.error,
        frozenset(map(_what, tick.outcomes)),
    )


def _what(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.action.kind, outcome.action.unit, outcome.result

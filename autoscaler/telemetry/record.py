"""One decision as it is kept and shown: the same document in the ring, the journal and the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from autoscaler.engine.explain import Explanation, explain
from autoscaler.model import (
    Decision,
    FleetTick,
    Outcome,
    Override,
    Recommendation,
    Result,
    Step,
)
from autoscaler.telemetry.documents import (
    ActionDocument,
    DecisionDocument,
    ExplanationDocument,
    OverrideDocument,
    RecommendationDocument,
    StepDocument,
)
from autoscaler.telemetry.redaction import without_secrets


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

    def document(self) -> DecisionDocument:
        """The record as JSON has it, without secrets."""
        decision = self.decision
        document: DecisionDocument = {
            "fleet": decision.fleet,
            "at": iso_time(decision.at),
            "current": decision.current,
            "desired": decision.desired,
            "ready": self.ready,
            "draining": self.draining,
            "reason": decision.reason,
            "message": decision.message,
            "result": self.result,
            "steps": [_step_document(step) for step in decision.steps],
            "recommendations": [_recommendation_document(r) for r in decision.recommendations],
            "actions": [_action_document(outcome) for outcome in self.outcomes],
            "override": override_document(self.override) if self.override else None,
            "missing": self.missing,
            "error": self.error,
            "explanation": _explanation_document(self.explanation),
        }
        return cast(DecisionDocument, without_secrets(document))


def same_story(tick: FleetTick, before: FleetTick | None) -> bool:
    """Whether a turn is told well enough by the one before: nothing changed, nothing was done."""
    if before is None:
        return False
    return _story(tick) == _story(before)


def new_outcomes(tick: FleetTick, before: FleetTick | None) -> list[Outcome]:
    """What came of the turn's actions, without what came of the same ones in the turn before."""
    known = set(map(_what, before.outcomes)) if before else set()
    return [outcome for outcome in tick.outcomes if _what(outcome) not in known]


def override_document(override: Override) -> OverrideDocument:
    """An override as JSON has it."""
    return {
        "fleet": override.fleet,
        "reason": override.reason,
        "actor": override.actor,
        "created_at": iso_time(override.created_at),
        "expires_at": iso_time_if_any(override.expires_at),
        "replicas": override.replicas,
    }


def iso_time(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_time_if_any(at: float | None) -> str | None:
    """The same; None stays None."""
    return None if at is None else iso_time(at)


def _step_document(step: Step) -> StepDocument:
    return {
        "stage": step.stage,
        "before": step.before,
        "after": step.after,
        "reason": step.reason,
        "message": step.message,
        "until": iso_time_if_any(step.until),
    }


def _recommendation_document(recommendation: Recommendation) -> RecommendationDocument:
    return {
        "policy": recommendation.policy,
        "replicas": recommendation.replicas,
        "reason": recommendation.reason,
        "message": recommendation.message,
        "ceiling": recommendation.ceiling,
        "active": recommendation.active,
    }


def _action_document(outcome: Outcome) -> ActionDocument:
    action = outcome.action
    return {
        "kind": action.kind,
        "unit": action.unit,
        "worker": action.worker,
        "reason": action.reason,
        "result": outcome.result,
        "message": outcome.message,
    }


def _explanation_document(explanation: Explanation) -> ExplanationDocument:
    return {
        "fleet": explanation.fleet,
        "at": iso_time(explanation.at),
        "summary": explanation.summary,
        "why": list(explanation.why),
        "why_not_more": list(explanation.why_not_more),
        "why_not_fewer": list(explanation.why_not_fewer),
        "more_possible_at": iso_time_if_any(explanation.more_possible_at),
        "fewer_possible_at": iso_time_if_any(explanation.fewer_possible_at),
    }


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

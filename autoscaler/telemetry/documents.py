"""The shape of a decision as JSON has it, in the journal and in the API. Times are RFC 3339 UTC."""

from __future__ import annotations

from typing_extensions import TypedDict


class StepDocument(TypedDict):
    """What one stage made of the number; it lets go at `until`, where it can tell."""

    stage: str
    before: int
    after: int
    reason: str
    message: str
    until: str | None


class RecommendationDocument(TypedDict):
    """What one policy asks for; `replicas` is null when it cannot tell."""

    policy: str
    replicas: int | None
    reason: str
    message: str
    ceiling: int | None
    active: bool


class ActionDocument(TypedDict):
    """One thing asked of the target, and what came of it."""

    kind: str
    unit: str
    worker: str
    reason: str
    result: str
    message: str


class OverrideDocument(TypedDict):
    """What an operator put in the engine's place; `replicas` null is a pause."""

    fleet: str
    reason: str
    actor: str
    created_at: str
    expires_at: str | None
    replicas: int | None


class ExplanationDocument(TypedDict):
    """Why this number, why not more, why not fewer, in sentences."""

    fleet: str
    at: str
    summary: str
    why: list[str]
    why_not_more: list[str]
    why_not_fewer: list[str]
    more_possible_at: str | None
    fewer_possible_at: str | None


class DecisionDocument(TypedDict):
    """One decision: the number, the steps that made it, what was done, and what is said of it."""

    fleet: str
    at: str
    current: int
    desired: int
    ready: int
    draining: int
    reason: str
    message: str
    result: str
    steps: list[StepDocument]
    recommendations: list[RecommendationDocument]
    actions: list[ActionDocument]
    override: OverrideDocument | None
    missing: dict[str, str]
    error: str
    explanation: ExplanationDocument

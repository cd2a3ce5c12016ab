"""A number and the trail of steps that made it; what is asked of a target and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one policy asks for.

    replicas None: the policy cannot tell, because of `message`. ceiling: the most it allows.
    active: whether there is reason enough to leave, or stay above, zero. planned: asked for ahead
    of need, so that what holds up the work of this moment says nothing against it.
    """

    policy: str
    replicas: int | None
    reason: str
    message: str
    ceiling: int | None = None
    active: bool = True
    planned: bool = False


class Stage(StrEnum):
    """The stages of a decision, in order."""

    OVERRIDE = "override"
    RECOMMEND = "recommend"
    GUARD = "guard"
    STABILIZE = "stabilize"
    LIMIT = "limit"
    CLAMP = "clamp"


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage made of the number: a machine reason and a sentence for people.

    until: when this stage will let go (Unix seconds) if nothing else changes, where it can tell.
    """

    stage: Stage
    before: int
    after: int
    reason: str
    message: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator put in the engine's place, until `expires_at` (Unix seconds; None = never).

    replicas None: paused, decide but do not act. Otherwise: hold this number. contested: another
    program writes the number too, so that nothing is done whoever asks.
    """

    fleet: str
    reason: str
    actor: str
    created_at: float
    expires_at: float | None = None
    replicas: int | None = None
    contested: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas a fleet should have, and why."""

    fleet: str
    at: float
    current: int
    desired: int
    steps: tuple[Step, ...]
    recommendations: tuple[Recommendation, ...] = ()

    @property
    def reason(self) -> str:
        """The machine reason of the last step that changed the number, else of the last step."""
        return self._telling_step.reason if self.steps else "Unchanged"

    @property
    def message(self) -> str:
        """The sentence of that step."""
        return self._telling_step.message if self.steps else "nothing to decide"

    @property
    def _telling_step(self) -> Step:
        changing = [step for step in self.steps if step.before != step.after]
        return changing[-1] if changing else self.steps[-1]


class ActionKind(StrEnum):
    """What a target may be asked."""

    ADD = "add"
    DRAIN = "drain"
    RESUME = "resume"
    REMOVE = "remove"
    RESIZE = "resize"


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """Orders effects: a target refuses one that is not newer than the last it applied."""

    term: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Action:
    """One thing asked of one target, for one unit.

    unit: for ADD a name that no present unit has; a target that names its units itself ignores it.
    queues: for DRAIN those to stop consuming, for RESUME those to give back. unheard: its worker
    has never been heard of, so its silence proves nothing against REMOVE. pinned: as in Drain.
    """

    kind: ActionKind
    fleet: str
    unit: str
    fence: Fence
    at: float
    reason: str
    worker: str = ""
    queues: tuple[str, ...] = ()
    unheard: bool = False
    pinned: bool = False


class Result(StrEnum):
    """What came of an action, or of a fleet's whole turn."""

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    WAITING = "waiting"
    REFUSED = "refused"
    FAILED = "failed"
    DRY_RUN = "dry_run"
    PAUSED = "paused"
    NOT_LEADER = "not_leader"
    FROZEN = "frozen"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An action and what came of it; `message` says why when it was not applied."""

    action: Action
    result: Result
    message: str = ""

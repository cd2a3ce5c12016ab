"""The six kinds of plugin and what they may know of the daemon.

A plugin is one file: a class below, with its `Options` inside it, and one line in registry.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

from autoscaler.model import (
    Action,
    Alert,
    Drain,
    Finding,
    Fleet,
    FleetSnapshot,
    Objective,
    Observation,
    Override,
    Recommendation,
    Severity,
    Sizing,
    Tick,
    Unchecked,
    Unit,
    WorkerState,
)

Wake = Callable[[str], None]


class Options(BaseModel):
    """What a plugin can be told in the config; unknown keys are refused, fields described."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )


class CheckOptions(Options):
    """What every check can be told."""

    enabled: bool = Field(default=True, description="Whether the check runs")
    severity: Severity = Field(default=Severity.WARNING, description="How soon somebody must look")
    for_seconds: float = Field(
        default=30, ge=0, description="How long a finding lasts before it fires"
    )


OptionsT = TypeVar("OptionsT", bound=Options)
CheckOptionsT = TypeVar("CheckOptionsT", bound=CheckOptions)


@dataclass(frozen=True, slots=True)
class Context:
    """What a plugin may know beyond its options.

    name: its name in the config. fleet: its fleet, for policies and targets. fleets: all of them.
    state_directory: where what must survive a restart is kept. acts: whether this daemon may do
    something to its fleet now, by itself: it leads, is no dry run, and the fleet is not paused.
    """

    name: str
    fleet: Fleet | None = None
    fleets: tuple[Fleet, ...] = ()
    state_directory: Path = field(default_factory=lambda: Path("autoscaler-state"))
    interval_seconds: float = 5.0
    acts: Callable[[], bool] = field(default=lambda: False, compare=False)

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues of all fleets, each once, in order."""
        return tuple(dict.fromkeys(queue for fleet in self.fleets for queue in fleet.queues))


class Plugin(ABC, Generic[OptionsT]):
    """What all plugins have in common: options, context, and an end.

    `options_type` is the plugin's own Options class, checked before the plugin is made.
    """

    options_type: ClassVar[type[Options]] = Options

    def __init__(self, options: OptionsT, context: Context) -> None:
        self.options = options
        self.context = context

    async def aclose(self) -> None:
        """Give back what it holds. May be called twice."""


class WorkerControl(ABC):
    """Direct speech with single workers. Every method raises ControlError when one is silent."""

    @abstractmethod
    async def cancel_consumers(self, worker: str, queues: Iterable[str]) -> None:
        """Make the worker stop taking tasks from these queues; what it holds it finishes."""

    @abstractmethod
    async def add_consumers(self, worker: str, queues: Iterable[str]) -> None:
        """Make the worker take tasks from these queues again."""

    @abstractmethod
    async def inspect(self, worker: str, now: float) -> WorkerState:
        """The worker's queues, active and reserved tasks, by its own fresh reply."""


class Source(Plugin[OptionsT]):
    """Polls one system."""

    @classmethod
    @cache
    def observes(cls) -> type[Observation]:
        """What `read` gives, as its annotation says."""
        try:
            given = get_type_hints(cls.read).get("return")
        except NameError:  # an annotation that only type checkers can resolve
            given = None
        return given if isinstance(given, type) else Observation

    @abstractmethod
    async def read(self, now: float) -> Observation:
        """Poll once. Raises SourceError when nothing that can be trusted came."""

    async def queues(self, now: float) -> frozenset[str]:
        """The queues in use, for a fleet that names none. Asked at starts, not in every tick.

        Raises SourceError.
        """
        return frozenset()

    async def watch(self, wake: Wake) -> None:
        """Runs beside the ticks for as long as the daemon; `wake(reason)` asks for a tick at once.

        Returns only if the source has nothing to push; survives its system's outages.
        """

    def control(self) -> WorkerControl | None:
        """How to speak to the workers this source sees, if it can."""
        return None


class Policy(Plugin[OptionsT]):
    """A pure rule from a fleet's snapshot to a recommendation. Keeps no state."""

    @classmethod
    def objective(cls, options: OptionsT) -> Objective | None:
        """What it promises of tasks' starts, so that the fleet's needs are forecast for it."""
        return None

    @abstractmethod
    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        """How many replicas, and why; `replicas=None` when it cannot tell."""


class Target(Plugin[OptionsT]):
    """What is scaled. Every method raises TargetError; the next tick plans anew."""

    @classmethod
    def fit(cls, options: OptionsT, fleet: Fleet) -> None:
        """Raises ConfigError where the options do not suit the fleet. Touches nothing."""

    @abstractmethod
    async def units(self, now: float) -> tuple[Unit, ...]:
        """Every unit that exists, terminating ones included, with its drain mark."""

    @abstractmethod
    async def add(self, actions: Sequence[Action]) -> None:
        """Create one unit for each action. Doing it twice creates no second one."""

    @abstractmethod
    async def mark(self, action: Action, drain: Drain | None) -> None:
        """Mark the unit as draining, or take the mark away; the mark outlives the daemon."""

    @abstractmethod
    async def remove(self, actions: Sequence[Action]) -> None:
        """Ask exactly these units to leave, gracefully; they are gone when `units` says so."""

    async def protect(self, busy: Mapping[str, bool]) -> None:
        """Shield busy units from others who may stop them, where the platform can.

        busy: unit -> whether it runs or holds tasks; those of which nobody knows are left out.
        """

    async def resize(self, sizings: Sequence[Sizing]) -> tuple[str, str] | None:
        """Give one unit what it was measured to need, where that was asked for and harms nobody.

        Returns its name and what changed, if something did.
        """
        return None

    def override(self, now: float) -> Override | None:
        """What the platform itself says in the engine's place, as of the last `units`."""
        return None

    async def watch(self, wake: Wake) -> None:
        """As a source's: runs beside the ticks, so that `units` needs to ask for nothing."""


class Check(Plugin[CheckOptionsT]):
    """A pure rule from a tick to what is unhealthy. `for_seconds` makes it an alert.

    `context.name` is the name that its findings bear.
    """

    @abstractmethod
    def find(self, tick: Tick) -> Iterable[Finding | Unchecked]:
        """Everything wrong at this instant, and what cannot be judged as its data is missing."""

    def unread(self, tick: Tick, kind: type[Observation]) -> Iterator[Unchecked]:
        """What cannot be judged, for the sources of this kind that were not read."""
        missing = tick.snapshot.missing
        for source in tick.snapshot.sources_of(kind):
            if source in missing:
                yield Unchecked(self.context.name, missing[source], {"source": source})


class Notifier(Plugin[OptionsT]):
    """Tells somebody of alerts."""

    @abstractmethod
    async def notify(self, alerts: Sequence[Alert], now: float) -> None:
        """Deliver alerts that began or ceased firing. Raises NotifyError; the caller retries."""


class Leadership(ABC):
    """Asked before every effect. `term` is higher each time leadership is won.

    reason: why this daemon does not lead; empty while it does.
    """

    term: int = 0
    reason: str = ""

    @property
    def led_by(self) -> str:
        """Which other daemon leads; empty when it is this one, or nobody is known to."""
        return ""

    @property
    def pause_seconds(self) -> float:
        """How long to wait before `acquire` is called again."""
        return 1.0

    @abstractmethod
    def holds(self, for_seconds: float = 0.0) -> bool:
        """Whether this daemon leads and, as long as it does not step down, still will after that.

        Told by nothing that a blocked event loop could delay.
        """

    @abstractmethod
    async def acquire(self) -> bool:
        """Try once to win leadership, or to keep it; returns whether it is held. Raises nothing."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let another lead, at once. May be called twice."""


class Election(Plugin[OptionsT]):
    """How several daemons agree on the one that acts."""

    @abstractmethod
    def stand(self, now: Callable[[], float], elapsed: Callable[[], float]) -> Leadership:
        """This daemon's part in the election.

        now: Unix seconds, which anybody may set. elapsed: seconds that only ever go on, also
        while the machine sleeps.
        """

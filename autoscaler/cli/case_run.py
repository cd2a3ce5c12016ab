"""Runs a test case through the daemon's own controller, in counted time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autoscaler.cli.case_file import Case, Expectation
from autoscaler.cli.case_world import CaseWorld
from autoscaler.cli.failure import Failure
from autoscaler.config import Config
from autoscaler.controller import Controller
from autoscaler.engine.explain import explain
from autoscaler.model import FleetTick

SOURCES = {
    "broker": "autoscaler.cli.case_world:CaseBroker",
    "workers": "autoscaler.cli.case_world:CaseWorkers",
    "samples": "autoscaler.cli.case_world:CaseSamples",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """What was expected at a time (seconds from the start), what came, and why it came."""

    at: float
    what: str
    expected: object
    got: object
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the wanted number, at a time from the start."""

    at: float
    replicas: int
    reason: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case: nothing differs when it passes; changes is the story in short."""

    name: str
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


async def run_case(case: Case) -> CaseResult:
    """Tick from the start to the last expectation. Each is held against the last tick by then.

    Raises Failure where a plugin of the case has a bug.
    """
    open_expectations = sorted(case.expect, key=lambda expectation: expectation.at)
    differences: list[Difference] = []
    changes: list[Change] = []
    async for at, made in _ticks(case):
        desired = made.decision.desired
        if not changes or changes[-1].replicas != desired:
            changes.append(Change(at, desired, made.decision.reason))
        while open_expectations and open_expectations[0].at < at + case.interval_seconds:
            differences += _differences(open_expectations.pop(0), made)
    return CaseResult(case.name, tuple(differences), tuple(changes))


async def _ticks(case: Case) -> AsyncIterator[tuple[float, FleetTick]]:
    world = CaseWorld(case)
    name = case.fleet.name
    with TemporaryDirectory() as directory:
        controller = Controller(_config(case, world, Path(directory)))
        world.target = controller.targets[name]
        try:
            for number in range(int(case.last_at // case.interval_seconds) + 1):
                at = number * case.interval_seconds
                tick = await controller.tick(case.start + at)
                if tick.bugs:
                    raise Failure(f"{case.name}: a bug", "\n".join(tick.bugs.values()))
                yield at, tick.fleets[name]
        finally:
            await controller.aclose()


def _config(case: Case, world: CaseWorld, directory: Path) -> Config:
    initial = case.initial_replicas
    target = {
        "kind": "simulated",
        "start_seconds": case.start_seconds,
        "initial_replicas": case.fleet.min_replicas if initial is None else initial,
    }
    fleet = {name: getattr(case.fleet, name) for name in type(case.fleet).model_fields}
    return Config.model_validate(
        {
            "interval_seconds": case.interval_seconds,
            "state_directory": directory,
            "journal": {"path": None},
            "sources": {name: {"kind": kind, "world": world} for name, kind in SOURCES.items()},
            "fleets": [{**fleet, "target": target}],
        }
    )


def _differences(expected: Expectation, made: FleetTick) -> Iterator[Difference]:
    decision = made.decision
    desired, reasons = decision.desired, [step.reason for step in decision.steps]
    low, high = expected.at_least, expected.at_most
    misses = [
        ("replicas", expected.replicas, desired, expected.replicas in (None, desired)),
        ("at_least", low, desired, low is None or desired >= low),
        ("at_most", high, desired, high is None or desired <= high),
        ("reason", expected.reason, decision.reason, expected.reason in (None, decision.reason)),
        ("reasons", list(expected.reasons), reasons, {*expected.reasons} <= {*reasons}),
    ]
    why = explain(made).why
    for what, wanted, got, right in misses:
        if not right:
            yield Difference(expected.at, what, wanted, got, why)

"""Short ways to make checks and the ticks they look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from autoscaler.interfaces import Check, Context
from autoscaler.model import (
    BrokerState,
    Finding,
    FleetTick,
    Observation,
    QueueState,
    Snapshot,
    Tick,
    Unchecked,
    WorkersState,
    WorkerState,
)
from tests.records import NOW

C = TypeVar("C", bound=Check[Any])
NAME = "the_check"


def make(check: type[C], **options: Any) -> C:
    """The check with these options, called `the_check`."""
    return check(check.options_type(**options), Context(NAME))


def scene(
    *turns: FleetTick,
    queues: Mapping[str, QueueState] | None = None,
    workers: tuple[WorkerState, ...] = (),
    missing: Mapping[str, str] | None = None,
    duplicates: tuple[str, ...] = (),
    **more: Observation,
) -> Tick:
    """A tick with one broker (none if `queues` is None), one source of workers, and more."""
    by_name = {worker.name: worker for worker in workers}
    workers_state = WorkersState(NOW, by_name, frozenset(duplicates))
    observations: dict[str, Observation] = {"workers": workers_state, **more}
    if queues is not None:
        observations["broker"] = BrokerState(NOW, queues)
    snapshot = Snapshot(
        NOW,
        observations={n: o for n, o in observations.items() if n not in (missing or {})},
        missing=missing or {},
        queues=queues or {},
        workers=by_name,
        worker_sources=frozenset({"workers"}),
        kinds={name: type(observation) for name, observation in observations.items()},
    )
    return Tick(1, snapshot, {turn.decision.fleet: turn for turn in turns})


def look(check: Check[Any], tick: Tick) -> tuple[list[Finding], list[Unchecked]]:
    """What the check found, and what it could not judge."""
    results = list(check.find(tick))
    findings = [one for one in results if isinstance(one, Finding)]
    unchecked = [one for one in results if isinstance(one, Unchecked)]
    assert len(findings) + len(unchecked) == len(results)
    assert all(one.check == NAME for one in results)
    for finding in findings:
        assert finding.summary.endswith(".")
        assert finding.remedy.endswith(".")
        assert finding.evidence
    return findings, unchecked

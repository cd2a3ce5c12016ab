"""Short ways to write the records that tests of the engine need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoscaler.model import (
    ActiveTask,
    Drain,
    Fleet,
    FleetSnapshot,
    Replica,
    Sample,
    Samples,
    Unit,
    UnitPhase,
    WorkerState,
)

NOW = 1_000_000.0


def fleet(**changes: Any) -> Fleet:
    """A fleet of queue `default` with 1..10 replicas and no scale-down window."""
    return Fleet(**{"name": "default", "queues": ("default",), "max_replicas": 10, **changes})


def worker(
    name: str, busy: int = 0, reserved: int = 0, queues: tuple[str, ...] = ("default",), **more: Any
) -> WorkerState:
    """A worker that answered just now and runs `busy` tasks."""
    facts = {
        "heartbeat_at": NOW,
        "answered_at": NOW,
        "queues": frozenset(queues),
        "slots": 4,
        "active": tuple(ActiveTask(f"{name}/{n}", "tasks.nap") for n in range(busy)),
        "reserved": reserved,
        **more,
    }
    return WorkerState(name=name, **facts)


def replica(
    name: str,
    busy: int = 0,
    *,
    drained: bool = False,
    registered: bool = True,
    phase: UnitPhase = UnitPhase.RUNNING,
    ready: bool = True,
    silent: bool = False,
    unheard: bool = False,
    expected_empty_seconds: float | None = None,
    lingering: int = 0,
    unit: Mapping[str, Any] | None = None,
    **of_worker: Any,
) -> Replica:
    """A unit with its worker; `drained` marks it and takes its queues away."""
    if drained:
        of_worker = {"queues": (), **of_worker}
    drain = Drain(NOW - 10, ("default",)) if drained else None
    facts = {"created_at": NOW - 600, "drain": drain, **(unit or {})}
    return Replica(
        Unit(name, phase, worker=f"{name}@host", **facts),
        worker(f"{name}@host", busy, **of_worker) if registered else None,
        ready=ready and registered,
        silent=silent,
        unheard=unheard,
        expected_empty_seconds=expected_empty_seconds,
        lingering=lingering,
    )


def seen(
    *replicas: Replica,
    now: float = NOW,
    missing: Mapping[str, str] | None = None,
    samples: Mapping[str, float] | None = None,
    **of_fleet: Any,
) -> FleetSnapshot:
    """What a fleet's policies see: these replicas and these samples."""
    values = tuple(Sample(name, value, now) for name, value in (samples or {}).items())
    return FleetSnapshot(now, fleet(**of_fleet), replicas, Samples(values), missing or {})

"""Units and actions for the tests of targets, and an end for the processes they leave."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoscaler.clients.units.command import UNIT_VARIABLE
from autoscaler.clients.units.directory import UnitDirectory, UnitRecord
from autoscaler.clients.units.processes import carriers
from autoscaler.interfaces import Context
from autoscaler.model import Action, ActionKind, Drain, Fence, Fleet, Unit
from autoscaler.targets.local import Local, LocalOptions

NOW = 1_700_000_000.0
FLEET = Fleet("default", min_replicas=0, max_replicas=4)
SLEEP = ("sleep", "1000")


def action(kind: ActionKind, unit: str, sequence: int, term: int = 1, at: float = NOW) -> Action:
    return Action(kind, FLEET.name, unit, Fence(term, sequence), at, "a test")


def add(unit: str, sequence: int, term: int = 1, at: float = NOW) -> Action:
    return action(ActionKind.ADD, unit, sequence, term, at)


def drain(unit: str, sequence: int, term: int = 1) -> Action:
    return action(ActionKind.DRAIN, unit, sequence, term)


def remove(unit: str, sequence: int, term: int = 1, at: float = NOW) -> Action:
    return action(ActionKind.REMOVE, unit, sequence, term, at)


MARK = Drain(NOW, ("default",))


def local(
    state: Path, fleet: Fleet = FLEET, acts: Callable[[], bool] = lambda: True, **options: Any
) -> Local:
    """A local target; its units sleep unless `command` says otherwise."""
    context = Context(fleet.name, fleet, (fleet,), state, acts=acts)
    return Local(LocalOptions.model_validate({"command": SLEEP, **options}), context)


async def phases(target: Any, now: float = NOW) -> Mapping[str, str]:
    return {unit.name: str(unit.phase) for unit in await target.units(now)}


async def unit_of(target: Any, name: str, now: float = NOW) -> Unit:
    return {unit.name: unit for unit in await target.units(now)}[name]


def pid_of(state: Path, unit: str) -> int:
    record = UnitDirectory(state, FLEET.name).record(unit)
    assert record is not None
    assert record.process is not None
    return record.process.pid


def kill_units(state: Path) -> None:
    """SIGKILL every unit of this state directory, known to it or not."""
    for fleet in (path.name for path in (state / "units").glob("*")):
        directory = UnitDirectory(state, fleet)
        for carrier in carriers(UNIT_VARIABLE):
            if directory.parse_key(carrier.value):
                with suppress(ProcessLookupError):
                    os.killpg(carrier.process.pid, signal.SIGKILL)


def record_of(state: Path, unit: str) -> UnitRecord:
    record = UnitDirectory(state, FLEET.name).record(unit)
    assert record is not None
    return record


def rewrite(state: Path, unit: str, **changes: Any) -> None:
    """Change a unit's record behind the target's back."""
    UnitDirectory(state, FLEET.name).save(replace(record_of(state, unit), **changes))


def log_of(state: Path, unit: str) -> Path:
    return UnitDirectory(state, FLEET.name).log(unit)


async def has_failed(target: Any, unit: str, now: float = NOW) -> bool:
    return (await phases(target, now)).get(unit) == "failed"


async def is_gone(target: Any, unit: str) -> bool:
    return unit not in await phases(target)

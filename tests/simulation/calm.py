"""Liveness: with no more faults, work ends, fleets shrink, grow on demand, and alerts resolve."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.oracles.turns import TOLERANCE
from tests.simulation.platform import ALIVE, Platform, SimUnit
from tests.simulation.scenario import FleetPlan

if TYPE_CHECKING:
    from tests.simulation.world import World

STEP_SECONDS = 30.0
FINISH_SECONDS = 4 * 3600.0
SHRINK_SECONDS = 2 * 3600.0
GROW_SECONDS = 1200.0
TASK_SECONDS = 3600.0


async def settle(world: World) -> None:
    """Everything must come right by itself, each part within its time."""
    world.load.quiet = True
    for platform in world.platforms.values():
        for unit in platform.units.values():
            platform.repair(unit)
    await _until(world, FINISH_SECONDS, lambda: _unfinished(world))
    await _until(world, SHRINK_SECONDS, lambda: _unshrunk(world))
    if world.scenario.dry_run:
        return
    wanted = {plan.name: _send_work(world, plan) for plan in world.scenario.fleets}
    await _until(world, GROW_SECONDS, lambda: _ungrown(world, wanted))


async def _until(world: World, seconds: float, wrong: Callable[[], str]) -> None:
    deadline = world.now + seconds
    while what := wrong():
        if world.now > deadline:
            world.oracles.violated("liveness", f"{seconds:.0f} s after the last fault {what}")
            return
        await asyncio.sleep(STEP_SECONDS)


def _unfinished(world: World) -> str:
    if world.scenario.dry_run or not world.ledger.open:
        return ""
    return f"{len(world.ledger.open)} tasks are not done"


def _unshrunk(world: World) -> str:
    if world.scenario.dry_run:
        return ""
    for name, platform in world.platforms.items():
        serving, leaving = _sizes(platform)
        mute = platform.plan.settings.mute  # nobody can tell whether it may shrink
        if not mute and (leaving or serving != platform.plan.min_replicas):
            return f"{name} has {serving} serving and {leaving} leaving units"
    kept = {("drain_stuck", (("fleet", n),)) for n, p in world.platforms.items() if _kept(p)}
    firing = [alert for alert in world.oracles.firing() if alert not in kept]
    return f"{firing} fires" if firing else ""


def _send_work(world: World, plan: FleetPlan) -> int:
    """Tasks for some replicas more than the least; returns how many replicas."""
    replicas = world.random.randint(plan.min_replicas, plan.max_replicas)
    tasks = replicas * plan.settings.slots
    world.load.send_steady(plan, tasks, TASK_SECONDS)
    return tasks


def _ungrown(world: World, wanted: dict[str, int]) -> str:
    for name, tasks in wanted.items():
        plan = world.platforms[name].plan
        serving, leaving = _sizes(world.platforms[name])
        least = math.ceil(tasks / (plan.settings.slots * (1 + TOLERANCE)) - 1e-9)
        least = min(least, plan.max_replicas - _kept(world.platforms[name]))
        most = max(plan.min_replicas, math.ceil(tasks / plan.settings.slots))
        if plan.settings.mute:
            continue
        if leaving or not max(plan.min_replicas, least) <= serving <= most:
            return f"{name} has {serving} units for {tasks} tasks, {least}..{most} are right"
    return ""


def _sizes(platform: Platform) -> tuple[int, int]:
    """Serving units, and those on their way out that no higher ordinal keeps."""
    serving = sum(1 for unit in platform.units.values() if _serves(unit))
    return serving, len(platform.units) - serving - _kept(platform)


def _kept(platform: Platform) -> int:
    """How many an operator drained while they were the highest, before others came above them."""
    units = platform.units.values()
    top = max((unit.ordinal or 0 for unit in units if _serves(unit)), default=0)
    return sum(1 for unit in units if unit.drain and unit.ordinal and unit.ordinal < top)


def _serves(unit: SimUnit) -> bool:
    return unit.phase in ALIVE and unit.drain is None

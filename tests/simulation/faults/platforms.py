"""Faults of what runs units: boots, quotas, lagging lists, and people who edit by hand."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.faults import Fault, Heal, a_fleet, window

if TYPE_CHECKING:
    from tests.simulation.platform import Platform, SimUnit
    from tests.simulation.world import World


def _some_unit(world: World, random: Random) -> tuple[Platform, SimUnit] | None:
    platform = random.choice(list(world.platforms.values()))
    units = [unit for unit in platform.units.values() if unit.phase in ("pending", "running")]
    return (platform, random.choice(units)) if units else None


def _delete(world: World, random: Random) -> None:
    if found := _some_unit(world, random):
        platform, unit = found
        platform.lose(unit, "human")


def _create(world: World, random: Random) -> None:
    platform = random.choice(list(world.platforms.values()))
    number = next(n for n in range(1, 99) if f"{platform.plan.name}-{n}" not in platform.units)
    if platform.alive() < platform.plan.max_replicas + 1:
        platform.launch(f"{platform.plan.name}-{number}")


def _unmark(world: World, random: Random) -> None:
    if found := _some_unit(world, random):
        platform, unit = found
        platform.alter(unit, drain=None, shielded=unit.shielded)


def _shield(world: World, random: Random) -> Heal | None:
    found = _some_unit(world, random)
    if found is None:
        return None
    platform, unit = found
    platform.alter(unit, drain=unit.drain, shielded=True)
    return lambda: platform.alter(unit, drain=unit.drain, shielded=False)


PLATFORMS = (
    window("slow_boot", "units take long to boot", 1, (60, 600), amount=(20, 200)),
    window("never_registers", "units run, no worker is in them", 3, (60, 300), amount=(0.3, 1)),
    window("launch_fails", "units fail at their start", 1, (60, 300), amount=(0.3, 1)),
    window("quota_exceeded", "no unit is created", 1, (30, 300), subject=a_fleet),
    window("partial_success", "of several only some", 2, (60, 300), amount=(0.3, 1)),
    window("listing_lags", "lists are of a while ago", 2, (30, 200), amount=(2, 40)),
    Fault("unit_deleted_by_hand", "somebody deletes a unit", 1, (0, 0), _delete),
    Fault("unit_created_by_hand", "somebody creates a unit", 1, (0, 0), _create),
    Fault("unit_unmarked_by_hand", "somebody takes a drain mark away", 1, (0, 0), _unmark),
    Fault("unit_shielded_by_hand", "somebody protects a unit", 3, (60, 600), _shield),
)

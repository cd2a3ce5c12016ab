"""Faults of the daemon itself: crashes, pauses, clocks, leases, operators, bugs in plugins."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from autoscaler.model import Override
from tests.simulation.faults import Fault, Heal, a_fleet, window

if TYPE_CHECKING:
    from tests.simulation.network import Link
    from tests.simulation.world import World

LOOKS_DEAD = 0.7
ENDS_BY_ITSELF = 0.5


def _crash(world: World, random: Random) -> None:
    """At some step of what it does next, wherever that is."""
    for link in world.cluster.links:
        link.process.steps_to_live = random.randint(1, 300)


def _pause(world: World, random: Random) -> Heal | None:
    link = world.cluster.links[0] if world.cluster.links else None
    if link is None or link.process.frozen is not None:
        return None
    link.process.freeze()
    close = world.faults.open("standstill")

    def heal() -> None:
        close()
        link.process.thaw(world.loop)

    return heal


def _pause_midway(world: World, random: Random) -> Heal:
    """The daemon stands still between two effects of one turn, until its lease has run out."""
    fleet = random.choice(world.scenario.fleets).name
    seconds = random.uniform(10, 30)

    def stand_still(link: Link) -> None:
        process = link.process
        if process.frozen is None:
            process.freeze()
            close = world.faults.open("standstill")
            world.after(seconds, close)
            world.after(seconds, process.thaw, world.loop)

    def heal() -> None:
        world.at_next_effect.pop(fleet, None)

    world.at_next_effect[fleet] = stand_still
    return heal


def _take_over(world: World, random: Random) -> Heal | None:
    """A second daemon starts while the first is frozen; the first wakes and is one too many."""
    heal = _pause(world, random)
    if heal is not None:
        world.cluster.start()
    return heal


def _die_with_effects_under_way(world: World, random: Random) -> Heal:
    """What the daemon asks of one fleet arrives when its successor has acted already."""
    close = world.faults.open("effects_very_late", random.choice(world.scenario.fleets).name)

    def heal() -> None:
        close()
        for link in world.cluster.links:
            link.process.steps_to_live = 1

    return heal


def _reload_unheard(world: World, random: Random) -> Heal:
    """Something goes wrong while nobody can be told, and a reload comes before anybody is."""
    closes = [world.faults.open(name) for name in ("broker_error", "pages_refused")]
    world.after(random.uniform(40, 100), world.cluster.reload)

    def heal() -> None:
        for close in closes:
            close()

    return heal


def _jump_back_blind(world: World, random: Random) -> Heal:
    """The clock is set back while it is counted how long something is wrong.

    The daemon takes a new time over after a minute.
    """
    for link in world.cluster.links:
        link.clock_offset -= 600.0
    closes: list[Heal] = []
    healed: list[bool] = []

    def go_down() -> None:
        if not healed:
            closes.append(world.faults.open("broker_error"))

    def heal() -> None:
        healed.append(True)
        for close in closes:
            close()

    world.after(random.uniform(30, 58), go_down)
    return heal


def _jump(world: World, random: Random) -> None:
    offset = random.choice((-3600.0, -600.0, -30.0, 30.0, 600.0, 3600.0))
    for link in world.cluster.links:
        link.clock_offset += offset


def _lose_lease(world: World, random: Random) -> None:
    world.cluster.lease.drop()


def _pause_fleet(world: World, random: Random) -> Heal | None:
    return _override(world, random, None)


def _pause_fleet_midway(world: World, random: Random) -> Heal:
    """The operator pauses a fleet between two effects of one turn."""
    fleet = random.choice(world.scenario.fleets).name
    override = Override(fleet, "a test", "operator", world.wall())
    world.at_next_effect[fleet] = lambda _: world.cluster.override(override)

    def heal() -> None:
        world.at_next_effect.pop(fleet, None)
        world.cluster.clear_override(fleet)

    return heal


def _hold_fleet(world: World, random: Random) -> Heal | None:
    plan = random.choice(world.scenario.fleets)
    return _override(world, random, random.randint(0, plan.max_replicas))


def _override(world: World, random: Random, replicas: int | None) -> Heal | None:
    """Half of them end by themselves, if the operator is not first."""
    fleet = random.choice(world.scenario.fleets).name
    now = world.wall()
    ends_at = now + random.uniform(30, 300) if random.random() < ENDS_BY_ITSELF else None
    world.cluster.override(Override(fleet, "a test", "operator", now, ends_at, replicas))
    return lambda: world.cluster.clear_override(fleet)


def _drain(world: World, random: Random) -> None:
    """Any unit, or one that looks as if nobody was there."""
    platform = random.choice(list(world.platforms.values()))
    units = list(platform.units.values())
    silent = [unit for unit in units if unit.process is None or not unit.process.answers]
    if random.random() < LOOKS_DEAD:
        units = silent or units
    if units:
        world.cluster.drain(platform.plan.name, random.choice(units).name)


def _reload(world: World, random: Random) -> None:
    world.cluster.reload()


def _wake(world: World, random: Random) -> Heal:
    return world.faults.open("wake_storm")


PROCESSES = (
    Fault("crash", "the daemon dies at any step and starts again", 3, (0, 0), _crash),
    Fault("pause", "the daemon stands still (VM, garbage, swap)", 2, (1, 120), _pause),
    Fault("pause_midway", "it stands still between two effects", 2, (60, 600), _pause_midway),
    Fault(
        "takeover", "another daemon leads while the first stands still", 1, (20, 120), _take_over
    ),
    Fault(
        "crash_with_effects_under_way",
        "the daemon dies, and what it asked for arrives under its successor",
        2,
        (10, 30),
        _die_with_effects_under_way,
    ),
    Fault(
        "reload_unheard",
        "a reload while alerts wait for a notifier that is down",
        0.5,
        (120, 300),
        _reload_unheard,
    ),
    Fault(
        "clock_set_back_blind",
        "the clock is set back while a source goes down",
        1,
        (150, 200),
        _jump_back_blind,
    ),
    Fault("clock_jumps", "the wall clock is set", 1, (0, 0), _jump),
    Fault("lease_lost", "the lease is given away under the leader", 1, (0, 0), _lose_lease),
    window("lease_unreachable", "the lease cannot be renewed", 1, (5, 60)),
    Fault("operator_pauses", "a fleet is paused", 0.7, (60, 600), _pause_fleet),
    Fault(
        "operator_pauses_midway", "a fleet is paused in its turn", 4, (60, 900), _pause_fleet_midway
    ),
    Fault("operator_holds", "a fleet is held at a number", 0.7, (60, 600), _hold_fleet),
    Fault("operator_drains", "a unit is drained by hand", 3, (0, 0), _drain),
    Fault("reload", "a new controller takes over from the old one", 1, (0, 0), _reload),
    Fault("wake_storm", "sources ask for ticks all the time", 1, (10, 60), _wake),
    window("policy_bug", "one fleet's policy raises", 3, (20, 200), subject=a_fleet),
    window(
        "target_bug", "one fleet's target raises what nobody expects", 1, (20, 100), subject=a_fleet
    ),
    window(
        "effect_bug",
        "a target raises in the midst of acting",
        1,
        (20, 100),
        subject=a_fleet,
        amount=(0.2, 0.8),
    ),
    window("check_bug", "a check raises", 1, (20, 200)),
)

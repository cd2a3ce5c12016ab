"""Faults of the network, for every kind of call: reads, remote control, effects, pages."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.faults import Conditions, Fault, Heal, a_fleet, window
from tests.simulation.network import Detour, Trip

if TYPE_CHECKING:
    from tests.simulation.world import World

OFTEN = (0.1, 0.7)
FATAL = 0.4
KINDS = {"reads": 2.0, "control": 3.0, "effects": 4.0, "pages": 1.0}
FATES = {
    "slow": "take seconds each way",
    "vanish": "neither arrive nor are answered",
    "refused": "are answered with an error and not done",
    "late": "are done long after the sender gave up, or died",
    "unanswered": "are done, and the answer is lost",
    "reset": "are done, and then the connection breaks",
}


def _take_a_detour(world: World, random: Random) -> Heal:
    """An effect arrives right behind what was sent after it, perhaps by the sender's successor."""
    fleet = random.choice(list(world.platforms))
    detour = Detour(random.choice(("effects", "control")), fatal=random.random() < FATAL)
    world.detours[fleet] = detour

    def heal() -> None:
        if world.detours.get(fleet) is detour:
            del world.detours[fleet]
            detour.end()

    return heal


CALLS = (
    *(
        window(f"{kind}_{fate}", f"{kind} {what}", rate, (10, 90), subject=a_fleet, amount=OFTEN)
        for kind, rate in KINDS.items()
        for fate, what in FATES.items()
        if not (kind == "reads" and fate in ("late", "unanswered", "reset"))
    ),
    Fault("effects_overtaken", "one effect comes behind the next", 6, (60, 900), _take_a_detour),
)


def trip(conditions: Conditions, random: Random, kind: str, subject: str) -> Trip:
    """The fate of one call, now."""
    made = Trip(out=random.uniform(0.002, 0.08), back=random.uniform(0.002, 0.08))
    if conditions.strikes(f"{kind}_slow", subject):
        made.out += random.uniform(0.5, 4.0)
        made.back += random.uniform(0.0, 2.0)
    if conditions.strikes(f"{kind}_late", subject):
        made.out = random.uniform(5.5, 120.0)
    if conditions.strikes(f"{kind}_very_late", subject):
        made.out = random.uniform(30.0, 600.0)
    made.arrives = not conditions.strikes(f"{kind}_vanish", subject)
    made.answered = not conditions.strikes(f"{kind}_unanswered", subject)
    made.refused = conditions.strikes(f"{kind}_refused", subject)
    made.reset = conditions.strikes(f"{kind}_reset", subject)
    return made

"""What targets that keep their own units refuse: stale actions, too many units, unsafe removals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.errors import StaleActionError, TargetConflict
from autoscaler.model import Action, Fence, Unit, UnitPhase

NEVER = Fence(0, 0)
PRESENT = (UnitPhase.PENDING, UnitPhase.RUNNING)


@dataclass(frozen=True, slots=True)
class Applied:
    """The newest fences that were applied: to the fleet as a whole, and to each of its units.

    A new unit must be newer than all that was done to the fleet; what is done to a unit, newer
    than all that was done to that unit, since the actions of one plan may come in any order.
    Nothing of an older term is done.
    """

    fleet: Fence
    units: Mapping[str, Fence]

    def with_all(self, actions: Sequence[Action]) -> Fence:
        """The fleet's newest fence once these are applied."""
        return max([self.fleet, *(action.fence for action in actions)])

    def refuse_stale_addition(self, action: Action) -> None:
        """Raises StaleActionError unless the action is newer than all that was applied."""
        if action.fence <= self.fleet:
            raise _stale(action, self.fleet)

    def refuse_stale(self, action: Action) -> None:
        """Raises StaleActionError if this unit saw a newer action, or the fleet a newer term."""
        newest = self.units[action.unit]
        if action.fence <= newest:
            raise _stale(action, newest)
        if action.fence.term < self.fleet.term:
            raise _stale(action, self.fleet)


def additions(
    actions: Sequence[Action], units: Mapping[str, Unit], applied: Applied, maximum: int
) -> tuple[Action, ...]:
    """Those whose unit is still to be created. Raises TargetConflict or StaleActionError."""
    asked = {action.unit: action for action in reversed(actions)}
    missing = tuple(action for action in reversed(asked.values()) if not _is_there(action, units))
    for action in missing:
        applied.refuse_stale_addition(action)
    refuse_too_many(len(missing), units, maximum)
    return missing


def refuse_too_many(more: int, units: Mapping[str, Unit], maximum: int) -> None:
    """Raises TargetConflict when so many more units would be too many."""
    present = sum(1 for unit in units.values() if unit.phase in PRESENT)
    if more and present + more > maximum:
        raise TargetConflict(
            f"{present} units are there already: {more} more would exceed {maximum}"
        )


def refuse_mark(action: Action, units: Mapping[str, Unit], applied: Applied) -> None:
    """Raises TargetConflict when the unit is gone or told to stop, or StaleActionError."""
    unit = units.get(action.unit)
    if unit is None or unit.phase not in PRESENT:
        state = "gone" if unit is None else unit.phase
        raise TargetConflict(f"{action.unit} is {state}: it can neither drain nor resume")
    applied.refuse_stale(action)


def removals(
    actions: Sequence[Action], units: Mapping[str, Unit], applied: Applied
) -> tuple[Action, ...]:
    """Those whose unit is still to be told to leave.

    Raises TargetConflict or StaleActionError before anything irreversible is done.
    """
    there = [a for a in actions if a.unit in units and units[a.unit].phase in PRESENT]
    for action in there:
        applied.refuse_stale(action)
        if units[action.unit].drain is None:
            raise TargetConflict(f"{action.unit} is not marked as draining: nothing is removed")
    return tuple(there)


def _is_there(action: Action, units: Mapping[str, Unit]) -> bool:
    unit = units.get(action.unit)
    if unit is None or unit.phase is UnitPhase.FAILED:
        return False
    if unit.phase is UnitPhase.TERMINATING or unit.drain is not None:
        raise TargetConflict(f"{action.unit} is still leaving: no other may take its name yet")
    return True


def _stale(action: Action, newest: Fence) -> StaleActionError:
    return StaleActionError(
        f"{action.kind} of {action.unit} is stale: its fence {_words(action.fence)} is not newer "
        f"than {_words(newest)}, which was applied already"
    )


def _words(fence: Fence) -> str:
    return f"(term {fence.term}, sequence {fence.sequence})"

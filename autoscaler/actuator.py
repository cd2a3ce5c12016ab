"""Carries out a plan on one fleet's target and workers, asking again before anything leaves."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from autoscaler.engine.scale_in import kept_by_order
from autoscaler.errors import ControlError, StaleActionError, TargetConflict, TargetError
from autoscaler.interfaces import Target, WorkerControl
from autoscaler.model import (
    Action,
    ActionKind,
    Drain,
    FleetSnapshot,
    Outcome,
    Result,
    Sizing,
    WorkerState,
)

EMPTY_REPLIES = 2


class Actuator:
    """Does what a plan says, the safe actions first.

    control_of gives the way to speak to a worker by its nodename. may_act is asked before every
    effect, with the term that it was planned in, and answers with the reason why not, or None.
    tell_bug is given the traceback of what a plugin raised and should not. timeout_seconds bounds
    each effect.
    """

    def __init__(
        self,
        target: Target[Any],
        control_of: Callable[[str], WorkerControl | None],
        may_act: Callable[[int], Result | None],
        tell_bug: Callable[[str], None],
        timeout_seconds: float,
    ) -> None:
        self._target = target
        self._control_of = control_of
        self._may_act = may_act
        self._tell_bug = tell_bug
        self._timeout_seconds = timeout_seconds

    async def carry_out(
        self, actions: Sequence[Action], snapshot: FleetSnapshot
    ) -> tuple[Outcome, ...]:
        """Every action with what came of it: whatever a plugin raises is an outcome, not an error.

        Units are resumed before others are added, drained before others are removed; units of one
        kind go side by side, so that a worker that does not answer delays no other.
        """
        by_kind = {kind: [a for a in actions if a.kind is kind] for kind in ActionKind}
        outcomes = await self._each(by_kind[ActionKind.RESUME], self._resume)
        outcomes += await self._batch(by_kind[ActionKind.ADD], self._target.add)
        drains = {replica.name: replica.unit.drain for replica in snapshot.replicas}
        outcomes += await self._each(
            by_kind[ActionKind.DRAIN], lambda action: self._drain(action, drains.get(action.unit))
        )
        outcomes += await self._remove(by_kind[ActionKind.REMOVE], snapshot)
        return tuple(outcomes)

    async def protect(self, snapshot: FleetSnapshot, term: int) -> None:
        """Tell the target who is busy, so that it can shield them. Nothing waits for that."""
        if self._may_act(term) is not None:
            return
        told = {r.name: r.worker for r in snapshot.replicas if r.worker is not None}
        busy = {
            name: not worker.empty
            for name, worker in told.items()
            if worker.active is not None and worker.reserved is not None
        }
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._target.protect(busy)
        except (TargetError, TimeoutError):
            return  # the next tick tries again
        except Exception as error:  # noqa: BLE001 - a shield is not worth the turn
            self._bug(error)

    async def resize(self, sizings: Sequence[Sizing], term: int) -> tuple[str, str] | None:
        """Let the target fit one unit to what it was measured to need. Nothing waits for that."""
        if not sizings or self._may_act(term) is not None:
            return None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._target.resize(sizings)
        except (TargetError, TimeoutError):
            return None
        except Exception as error:  # noqa: BLE001 - its size is not worth the turn
            self._bug(error)
            return None

    async def _resume(self, action: Action) -> None:
        """The mark goes first: a removal sent earlier, and still under way, is refused by it.

        A worker that does not hear of it takes nothing and has no mark: it is told again.
        """
        await self._target.mark(action, None)
        if control := self._control_for(action):
            await control.add_consumers(action.worker, action.queues)

    async def _drain(self, action: Action, drain: Drain | None) -> None:
        """The mark first: a crash in between leaves a marked unit, which is drained again."""
        before = drain or Drain(action.at, action.queues)
        queues = tuple(sorted({*before.queues, *action.queues}))
        mark = Drain(before.since, queues, before.pinned or action.pinned)
        if mark != drain:
            await self._target.mark(action, mark)
        if control := self._control_for(action):
            await control.cancel_consumers(action.worker, action.queues)

    def _control_for(self, action: Action) -> WorkerControl | None:
        """How to tell its worker now: much may have changed while the mark was on its way."""
        control = self._control_of(action.worker) if action.worker else None
        if control is not None and (refusal := self._may_act(action.fence.term)) is not None:
            raise ControlError(f"{action.worker} was not told: {refusal}")
        return control

    async def _remove(self, actions: Sequence[Action], snapshot: FleetSnapshot) -> list[Outcome]:
        verdicts = await asyncio.gather(*(self._why_not_empty(action) for action in actions))
        why_not = {a.unit: why for a, why in zip(actions, verdicts, strict=True) if why}
        empty = {action.unit for action in actions} - why_not.keys()
        for unit, above in kept_by_order(empty, snapshot).items():
            why_not[unit] = f"{above} has a higher ordinal and must leave first"
        waiting = [
            Outcome(action, Result.WAITING, why_not[action.unit])
            for action in actions
            if action.unit in why_not
        ]
        leaving = [action for action in actions if action.unit not in why_not]
        return waiting + await self._batch(leaving, self._target.remove)

    async def _why_not_empty(self, action: Action) -> str:
        """Ask the worker itself, twice; only a worker nobody has heard of need not answer."""
        control = self._control_of(action.worker)
        if not action.worker or control is None:
            return ""
        for _ in range(EMPTY_REPLIES):
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    worker = await control.inspect(action.worker, action.at)
            except (ControlError, TimeoutError) as error:
                return "" if action.unheard else f"it does not answer: {error}"
            except Exception as error:  # noqa: BLE001 - a plugin's bug is no answer
                return self._bug(error)
            if not worker.drained:
                return _what_it_holds(worker)
        return ""

    async def _each(
        self, actions: Sequence[Action], effect: Callable[[Action], Awaitable[None]]
    ) -> list[Outcome]:
        batches = (self._batch([action], lambda some: effect(some[0])) for action in actions)
        return [outcome for batch in await asyncio.gather(*batches) for outcome in batch]

    async def _batch(
        self, actions: Sequence[Action], effect: Callable[[Sequence[Action]], Awaitable[None]]
    ) -> list[Outcome]:
        if not actions:
            return []
        result, message = await self._attempt(actions, effect)
        return [Outcome(action, result, message) for action in actions]

    async def _attempt(
        self, actions: Sequence[Action], effect: Callable[[Sequence[Action]], Awaitable[None]]
    ) -> tuple[Result, str]:
        if (refusal := self._may_act(actions[0].fence.term)) is not None:
            return refusal, ""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await effect(actions)
        except (TargetConflict, StaleActionError) as error:
            return Result.REFUSED, str(error)
        except (TargetError, ControlError) as error:
            return Result.FAILED, str(error)
        except TimeoutError:
            return Result.FAILED, f"no answer within {self._timeout_seconds:g} s"
        except Exception as error:  # noqa: BLE001 - what was done beside it must be remembered
            return Result.ERROR, self._bug(error)
        return Result.APPLIED, ""

    def _bug(self, error: Exception) -> str:
        self._tell_bug(traceback.format_exc())
        return f"a bug in its plugin: {error!r}"


def _what_it_holds(worker: WorkerState) -> str:
    if worker.queues is None or worker.queues:
        return "it still takes tasks"
    if worker.busy is None or worker.reserved is None:
        return "it does not say what it holds"
    return f"it still holds tasks: {worker.busy} running, {worker.reserved} fetched"

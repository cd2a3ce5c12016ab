"""Telling single Celery workers what to do, and hearing from them that they did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from autoscaler.clients.celery.remote import RemoteControl
from autoscaler.clients.celery.replies import active_tasks, queue_names, refusal, reserved_count
from autoscaler.clients.celery.roster import WorkerRoster
from autoscaler.errors import ControlError
from autoscaler.interfaces import WorkerControl
from autoscaler.model import WorkerState

CONFIRM_SECONDS = 5.0  # a gevent worker takes up to 2 s to do what it said it did
ASK_AGAIN_SECONDS = 0.1


class CeleryControl(WorkerControl):
    """Speaks to one worker at a time, by nodename, and keeps the roster up to what it hears."""

    def __init__(self, remote: RemoteControl, roster: WorkerRoster, timeout_seconds: float) -> None:
        self._remote = remote
        self._roster = roster
        self._timeout_seconds = timeout_seconds

    async def cancel_consumers(self, worker: str, queues: Iterable[str]) -> None:
        unwanted = frozenset(queues)
        for queue in sorted(unwanted):
            await self._ask(worker, "cancel_consumer", {"queue": queue})
        await self._confirm(worker, lambda consumed: consumed & unwanted, "still takes from")

    async def add_consumers(self, worker: str, queues: Iterable[str]) -> None:
        wanted = frozenset(queues)
        for queue in sorted(wanted):
            await self._ask(worker, "add_consumer", {"queue": queue})
        await self._confirm(worker, lambda consumed: wanted - consumed, "does not take from")

    async def inspect(self, worker: str, now: float) -> WorkerState:
        # In this order a task that moves on meanwhile is seen at least once.
        queues = queue_names(await self._ask(worker, "active_queues"))
        reserved = reserved_count(await self._ask(worker, "reserved"))
        active = active_tasks(await self._ask(worker, "active", {"safe": True}), now)
        if queues is None or reserved is None or active is None:
            raise ControlError(f"worker {worker} gave an answer that cannot be understood")
        at = asyncio.get_running_loop().time()
        self._roster.consumes(worker, queues)
        known = self._roster.state(worker, now, at)
        return replace(known, queues=queues, reserved=reserved, active=active, answered_at=now)

    async def _ask(
        self, worker: str, method: str, arguments: Mapping[str, Any] | None = None
    ) -> Any:
        replies = await self._remote.call(
            method, arguments, destination=[worker], timeout_seconds=self._timeout_seconds
        )
        if worker in self._remote.duplicates:
            raise ControlError(f"two workers are called {worker}: start each with its own -n NAME")
        if worker not in replies:
            raise ControlError(
                f"worker {worker} did not answer {method} within {self._timeout_seconds:g} s"
            )
        if refused := refusal(replies[worker]):
            raise ControlError(f"worker {worker} refused {method}: {refused}")
        return replies[worker]

    async def _confirm(
        self, worker: str, wrong: Callable[[frozenset[str]], frozenset[str]], what: str
    ) -> None:
        """Ask for its queues until none is wrong. Raises ControlError after a while."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + CONFIRM_SECONDS
        while True:
            consumed = queue_names(await self._ask(worker, "active_queues"))
            if consumed is not None:
                self._roster.consumes(worker, consumed)
                left = wrong(consumed)
                if not left:
                    return
                if clock() > deadline:
                    raise ControlError(f"worker {worker} {what} {', '.join(sorted(left))}")
            elif clock() > deadline:
                raise ControlError(f"worker {worker} does not tell its queues")
            await asyncio.sleep(ASK_AGAIN_SECONDS)

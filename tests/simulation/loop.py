"""An event loop without I/O: counted time, a shuffled ready queue, processes that freeze."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class Process:
    """One simulated operating-system process: what runs in its context is frozen with it.

    steps_to_live: callbacks until `on_death` is called, once; None lives on.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen: list[asyncio.Handle] | None = None
        self.steps_to_live: int | None = None
        self.on_death: Callable[[], None] = lambda: None

    def freeze(self) -> None:
        """Stop running its callbacks; time goes on."""
        if self.frozen is None:
            self.frozen = []

    def thaw(self, loop: SimLoop) -> None:
        """Run what has become ready meanwhile."""
        ready, self.frozen = self.frozen or [], None
        loop.resume(ready)


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class SimTask(asyncio.Task[Any]):
    """A task whose hash is its number: sets of tasks iterate alike in every run."""

    def __init__(self, coro: Coroutine[Any, Any, Any], number: int, **options: Any) -> None:
        self.number = number  # first: the base class hashes the task
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.AbstractEventLoop):
    """Runs callbacks one by one, any ready one next; when none is ready, time jumps on.

    `time()` is in seconds from 0. A callback's exception that nobody retrieves is kept in
    `failures`.
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._now = 0.0
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = 0
        self._stopping = False
        self.failures: list[str] = []

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._numbers += 1
        heapq.heappush(self._timers, (when, self._numbers, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Any = None
    ) -> asyncio.Task[T]:
        self._numbers += 1
        number = self._numbers
        return SimTask(coro, number, loop=self, name=name or f"task-{number}", context=context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return events._get_running_loop() is self

    def is_closed(self) -> bool:
        return False

    def stop(self) -> None:
        self._stopping = True

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.failures.append(f"{context['message']}: {error!r}")

    def resume(self, handles: list[asyncio.Handle]) -> None:
        """Make these ready, as when a frozen process goes on."""
        self._ready.extend(handles)

    def run(self, coro: Coroutine[Any, Any, T]) -> T | None:
        """Run until this coroutine has ended, or `stop` was called; then its result, or None."""
        self._stopping = False
        main = self.create_task(coro, name="main")
        main.add_done_callback(lambda _: self.stop())
        events._set_running_loop(self)
        try:
            while not self._stopping:
                self._step()
        finally:
            events._set_running_loop(None)
        return main.result() if main.done() else None

    def _step(self) -> None:
        timers, ready = self._timers, self._ready
        if not ready:
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            handle: asyncio.Handle = heapq.heappop(timers)[2]
            ready.append(handle)
        chosen = int(self._random.random() * len(ready))
        ready[chosen], ready[-1] = ready[-1], ready[chosen]
        handle = ready.pop()
        if handle.cancelled():
            return
        process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process is None:
            handle._run()
        elif process.frozen is not None:
            process.frozen.append(handle)
        else:
            self._run_in(process, handle)

    def _run_in(self, process: Process, handle: asyncio.Handle) -> None:
        if process.steps_to_live is not None:
            process.steps_to_live -= 1
            if process.steps_to_live < 0:
                process.steps_to_live = None
                process.on_death()
        handle._run()

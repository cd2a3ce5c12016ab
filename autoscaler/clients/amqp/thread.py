"""RabbitMQ for asyncio: work runs in a thread, as py-amqp blocks, and messages come back."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from autoscaler.clients.amqp.address import parse_addresses
from autoscaler.clients.amqp.session import Session, T, Work
from autoscaler.errors import AutoscalerError
from autoscaler.secret import Secret

MOST_CALLS = 20_000


class AmqpThread:
    """Runs work on one channel, in order, and takes in what is delivered in between.

    Opened by the first `run`, and anew by the next one after a failure, with the URL read anew.
    failure: the error it raises. prepare: run first on every new channel. lost: called in the
    event loop, with the reason, when a connection ends. urgent: whether anybody waits for what
    is delivered; else it is gathered for a tenth of a second, as waking for each message is what
    costs. virtual_host: in place of the URL's.
    """

    def __init__(
        self,
        url: Secret,
        timeout_seconds: float,
        failure: type[AutoscalerError],
        *,
        prepare: Work[None] = lambda _: None,
        lost: Callable[[str], None] = lambda _: None,
        urgent: Callable[[], bool] = lambda: True,
        virtual_host: str | None = None,
    ) -> None:
        self._url = url
        self._urgent = urgent
        self._virtual_host = virtual_host
        self._timeout_seconds = timeout_seconds
        self._failure = failure
        self._prepare = prepare
        self._lost = lost
        self._session: Session | None = None
        self._inbox = _Inbox()

    async def run(self, work: Work[T]) -> T:
        """What `work` returns for the channel; it is not begun once its time is over."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._running().submit(work)
        except TimeoutError as error:
            raise self._failure(f"no answer within {self._timeout_seconds:g} s") from error
        except (ConnectionError, ValueError) as error:
            raise self._failure(str(error)) from error

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        """From the thread: call something in the event loop, in the order of these calls.

        Raises ConnectionError, which ends the connection, when the event loop falls behind.
        """
        self._inbox.put(callback, arguments)

    async def aclose(self) -> None:
        """End the thread and its connection. May be called twice."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * self._timeout_seconds):
                    await session.ended.wait()

    def _running(self) -> Session:
        if self._session is None or not self._session.alive:
            self._inbox.loop = asyncio.get_running_loop()
            addresses = parse_addresses(self._url.reveal(), self._virtual_host)
            self._session = Session(
                addresses, self._timeout_seconds, self._prepare, self._lost, self._urgent
            )
            self._session.start()
        return self._session


class _Inbox:
    """What the thread tells the event loop; bounded, and one wake-up for all that is in it."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._calls: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def put(self, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        with self._lock:
            if len(self._calls) >= MOST_CALLS:
                raise ConnectionError(f"{MOST_CALLS} messages were not taken in time")
            self._calls.append((callback, arguments))
            first = len(self._calls) == 1
        if first and self.loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone before its thread
                self.loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        with self._lock:
            calls, self._calls = self._calls, []
        for callback, arguments in calls:
            callback(*arguments)

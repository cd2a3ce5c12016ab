"""A thread that speaks AMQP, so that py-amqp, which blocks, never blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import amqp
import structlog

from autoscaler.clients.amqp_address import AmqpAddress, parse_addresses
from autoscaler.clients.amqp_connection import HEARTBEAT_SECONDS, LOST, connect, explain
from autoscaler.errors import AutoscalerError
from autoscaler.secret import Secret

T = TypeVar("T")
Work = Callable[[amqp.Channel], T]

MOST_JOBS = 1_000
MOST_CALLS = 20_000
MOST_FRAMES_AT_ONCE = 500
DRAIN_SECONDS = 0.001
PAUSE_SECONDS = HEARTBEAT_SECONDS / 4


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    future: asyncio.Future[Any]


class AmqpThread:
    """Runs work on one channel, in order, and takes in what is delivered in between.

    Opened by the first `run`, and anew by the next one after a failure, with the URL read anew.
    failure: the error it raises. prepare: run first on every new channel. lost: called in the
    event loop, with the reason, when a connection ends. virtual_host: in place of the URL's.
    """

    def __init__(
        self,
        url: Secret,
        timeout_seconds: float,
        failure: type[AutoscalerError],
        prepare: Work[None] = lambda _: None,
        lost: Callable[[str], None] = lambda _: None,
        virtual_host: str | None = None,
    ) -> None:
        self._url = url
        self._virtual_host = virtual_host
        self._timeout_seconds = timeout_seconds
        self._failure = failure
        self._prepare = prepare
        self._lost = lost
        self._session: _Session | None = None
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

    def _running(self) -> _Session:
        if self._session is None or not self._session.alive:
            self._inbox.loop = asyncio.get_running_loop()
            addresses = parse_addresses(self._url.reveal(), self._virtual_host)
            self._session = _Session(addresses, self._timeout_seconds, self._prepare, self._lost)
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


class _Session(threading.Thread):
    """One connection from beginning to end. Daemonic: a resolver that hangs holds up no exit."""

    def __init__(
        self,
        addresses: Sequence[AmqpAddress],
        timeout_seconds: float,
        prepare: Work[None],
        lost: Callable[[str], None],
    ) -> None:
        super().__init__(name="amqp", daemon=True)
        self.ended = asyncio.Event()
        self._addresses = addresses
        self._timeout_seconds = timeout_seconds
        self._prepare = prepare
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._jobs: deque[_Job] = deque()
        self._closing = False
        self._fault = ""
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)

    @property
    def alive(self) -> bool:
        """Whether it still takes work."""
        return not self._fault

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue work. Raises ConnectionError when there is nobody to do it any more."""
        future: asyncio.Future[T] = self._loop.create_future()
        with self._lock:
            if self._fault:
                raise ConnectionError(self._fault)
            if len(self._jobs) >= MOST_JOBS:
                raise ConnectionError(f"{MOST_JOBS} requests wait already")
            self._jobs.append(_Job(work, future))
            self._wake()
        return future

    def close(self) -> None:
        """Ask the thread to end; `ended` is set when it did."""
        with self._lock:
            self._closing = True
            if not self._fault:
                self._wake()

    def run(self) -> None:
        """The thread's own life."""
        reason = "the connection was closed"
        try:
            self._serve()
        except LOST as error:
            reason = explain(error)
        except Exception as error:  # noqa: BLE001 - a bug: loud, and those who wait must hear of it
            reason = f"a bug: {error!r}"
            structlog.get_logger().exception("amqp thread failed")
        finally:
            self._end(reason)

    def _serve(self) -> None:
        connection = connect(self._addresses, self._timeout_seconds)
        try:
            channel = connection.channel()
            self._prepare(channel)
            self._loop_over(connection, channel)
            connection.close()
        finally:
            connection.collect()

    def _loop_over(self, connection: amqp.Connection, channel: amqp.Channel) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(connection.sock, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closing:
                self._work(channel)
                more = _drain(connection)
                connection.heartbeat_tick()
                selector.select(0 if more else PAUSE_SECONDS)
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(MOST_JOBS)

    def _work(self, channel: amqp.Channel) -> None:
        while self._jobs:
            job = self._jobs[0]
            if not job.future.done():
                self._call_soon(_settle, job.future, job.work(channel))
            self._jobs.popleft()

    def _end(self, reason: str) -> None:
        with self._lock:
            self._fault = reason
            jobs = tuple(self._jobs)
            self._woken.close()
            self._waker.close()
        self._call_soon(self._tell_end, reason, jobs)

    def _tell_end(self, reason: str, jobs: tuple[_Job, ...]) -> None:
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(ConnectionError(reason))
        self._lost(reason)
        self.ended.set()

    def _call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be gone before its thread
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")


def _drain(connection: amqp.Connection) -> bool:
    """Take in what has arrived; returns whether there may be more.

    A timeout of 0 would make py-amqp spin on half a frame.
    """
    for _ in range(MOST_FRAMES_AT_ONCE):
        try:
            connection.drain_events(timeout=DRAIN_SECONDS)
        except TimeoutError:
            return False
    return True


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)

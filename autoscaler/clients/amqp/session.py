"""One AMQP connection in a thread of its own, from its beginning to its end."""

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

from autoscaler.clients.amqp.address import AmqpAddress
from autoscaler.clients.amqp.connection import HEARTBEAT_SECONDS, LOST, connect, explain

T = TypeVar("T")
Work = Callable[[amqp.Channel], T]

MOST_JOBS = 1_000
MOST_MESSAGES_AT_ONCE = 500
DRAIN_SECONDS = 0.001
GATHER_SECONDS = 0.1
PAUSE_SECONDS = HEARTBEAT_SECONDS / 4


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    future: asyncio.Future[Any]


class Session(threading.Thread):
    """One connection from beginning to end. Daemonic: a resolver that hangs holds up no exit."""

    def __init__(
        self,
        addresses: Sequence[AmqpAddress],
        timeout_seconds: float,
        prepare: Work[None],
        lost: Callable[[str], None],
        urgent: Callable[[], bool],
    ) -> None:
        super().__init__(name="amqp", daemon=True)
        self.ended = asyncio.Event()
        self._addresses = addresses
        self._timeout_seconds = timeout_seconds
        self._prepare = prepare
        self._lost = lost
        self._urgent = urgent
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._jobs: deque[_Job] = deque()
        self._closing = False
        self._fault = ""
        self._woken, self._waker = socket.socketpair()
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
                if not more:
                    self._wait(selector)

    def _wait(self, selector: selectors.BaseSelector) -> None:
        """Until there is work or a message, and a little longer if nobody waits for messages."""
        ready = [key.fileobj for key, _ in selector.select(PAUSE_SECONDS)]
        delivered = ready and self._woken not in ready
        self._woken.settimeout(GATHER_SECONDS if delivered and not self._urgent() else 0)
        with contextlib.suppress(BlockingIOError, TimeoutError):
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
    sock, more = connection.sock, True
    usual = sock.gettimeout()
    sock.settimeout(DRAIN_SECONDS)
    try:
        for _ in range(MOST_MESSAGES_AT_ONCE):
            connection.drain_events()
    except TimeoutError:
        more = False
    sock.settimeout(usual)
    return more


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)

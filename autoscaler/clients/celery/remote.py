"""Celery's remote control and worker events, whatever carries them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class WorkerEventKind(StrEnum):
    """What a worker says of itself, unasked."""

    ONLINE = "worker-online"
    HEARTBEAT = "worker-heartbeat"
    OFFLINE = "worker-offline"


MOST_COUNTED = 2**63
_KINDS = frozenset(kind.value for kind in WorkerEventKind)


@dataclass(frozen=True, slots=True)
class WorkerEvent:
    """One event of one worker. A stopping worker says OFFLINE while its tasks still run."""

    kind: WorkerEventKind
    worker: str
    active: int | None = None
    processed: int | None = None
    pid: int | None = None
    version: str | None = None


def worker_event(body: Any) -> WorkerEvent | None:
    """The event in a decoded message; None when it is no such event. Bad counts become None."""
    if not isinstance(body, dict):
        return None
    kind, worker, version = (body.get(key) for key in ("type", "hostname", "sw_ver"))
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(worker, str):
        return None
    return WorkerEvent(
        kind=WorkerEventKind(kind),
        worker=worker,
        active=_count(body.get("active")),
        processed=_count(body.get("processed")),
        pid=_count(body.get("pid")),
        version=version if isinstance(version, str) else None,
    )


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < MOST_COUNTED else None


class RemoteControl(ABC):
    """One broker's channel to its workers. Methods raise ControlError when the broker fails."""

    @property
    def duplicates(self) -> frozenset[str]:
        """Nodenames under which two workers lately answered one question, where that shows."""
        return frozenset()

    @abstractmethod
    async def call(
        self,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        destination: Collection[str] | None = None,
        expected: Collection[str] = (),
        timeout_seconds: float = 1.0,
    ) -> Mapping[str, Any]:
        """Ask workers something; returns nodename -> reply of those that answered.

        destination: only these workers (their replies end the wait); None asks all, and the wait
        ends when every `expected` one has answered or the time is over.
        """

    @abstractmethod
    def events(self) -> AsyncIterator[WorkerEvent]:
        """Worker events as they come; ends with ControlError when the connection is lost."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connection."""

"""What is known of each Celery worker, from its events and its answers. Does no I/O.

Times are the event loop's own; only `states` speaks of the wall's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autoscaler.clients.celery.remote import WorkerEvent, WorkerEventKind
from autoscaler.clients.celery.replies import (
    active_tasks,
    pool_slots,
    queue_names,
    reserved_count,
)
from autoscaler.model import ActiveTask, WorkerState

FORGET_SECONDS = 600.0
DETAILS_SECONDS = 60.0  # between questions for queues and slots
RETRY_SECONDS = 10.0  # before asking again for details that did not come
MISSED_SECONDS = 30.0  # before waiting again for one who did not answer
DUPLICATE_SECONDS = 60.0
OFFLINE_SECONDS = 5.0  # within which an answer may be older than the event
MAX_WORKERS = 20_000


@dataclass(slots=True)
class _Worker:
    """One nodename."""

    heard_at: float | None = None
    answered_at: float | None = None
    offline_at: float | None = None
    missed_at: float | None = None
    details_at: float | None = None
    details_asked_at: float | None = None
    doubled_at: float | None = None
    idle_at: float | None = None
    queues: frozenset[str] | None = None
    slots: int | None = None
    active: tuple[ActiveTask, ...] | None = None
    reserved: int | None = None
    processed: int | None = None
    version: str | None = None
    pid: int | None = None
    pids: dict[int, float] = field(default_factory=dict)

    @property
    def seen_at(self) -> float:
        signs = (self.heard_at, self.answered_at, self.offline_at)
        return max((sign for sign in signs if sign is not None), default=0.0)


class WorkerRoster:
    """All workers of one broker, by nodename.

    silent_after_seconds: how long after its last heartbeat a worker is still waited for.
    """

    def __init__(self, silent_after_seconds: float) -> None:
        self._silent_after = silent_after_seconds
        self._workers: dict[str, _Worker] = {}

    def heard(self, event: WorkerEvent, at: float) -> str | None:
        """Take in an event. Returns why a tick is due at once, if it is."""
        known = event.worker in self._workers
        if not known and len(self._workers) >= MAX_WORKERS:
            return None
        worker = self._workers.setdefault(event.worker, _Worker())
        if event.kind is WorkerEventKind.OFFLINE:
            worker.offline_at = at
            return f"worker {event.worker} goes offline"
        back = worker.offline_at is not None or not known
        if back or event.kind is WorkerEventKind.ONLINE:
            worker.details_at = worker.details_asked_at = None
        if back or worker.heard_at is None or at - worker.heard_at > self._silent_after:
            worker.missed_at = None
        worker.offline_at = None
        worker.heard_at = at
        if worker.idle_at is not None and (event.active or event.processed != worker.processed):
            worker.idle_at = at
        worker.processed = event.processed
        worker.version = event.version or worker.version
        if event.pid is not None:
            _note_pid(worker, event.pid, at)
        if back or event.kind is WorkerEventKind.ONLINE:
            return f"worker {event.worker} is online"
        return None

    def expected(self, at: float) -> frozenset[str]:
        """Who should answer: those that did the last time, and those heard of lately."""
        return frozenset(
            name for name, worker in self._workers.items() if self._awaited(worker, at)
        )

    def answered(
        self,
        active: Mapping[str, Any],
        reserved: Mapping[str, Any],
        awaited: frozenset[str],
        now: float,
        at: float,
    ) -> None:
        """Take in the answers to `reserved` and then `active`; who gave only one gave none."""
        for name in active.keys() & reserved.keys():
            worker = self._workers.setdefault(name, _Worker())
            worker.active = active_tasks(active[name], now)
            worker.reserved = reserved_count(reserved[name])
            worker.answered_at = at
            worker.missed_at = None
            if worker.active != ():
                worker.idle_at = None
            elif worker.idle_at is None:
                worker.idle_at = at
            if worker.offline_at is not None and at - worker.offline_at > OFFLINE_SECONDS:
                worker.offline_at = None
        for name in awaited - (active.keys() & reserved.keys()):
            self._workers[name].missed_at = at

    def due(self, at: float) -> frozenset[str]:
        """Whose queues and slots are to be asked for: not known, changed, or long ago."""
        return frozenset(
            name
            for name, worker in self._workers.items()
            if worker.answered_at is not None and worker.missed_at is None and _due(worker, at)
        )

    def detailed(
        self,
        asked: Iterable[str],
        queues: Mapping[str, Any],
        stats: Mapping[str, Any],
        at: float,
    ) -> None:
        """Take in the answers to `active_queues` and `stats`; silence leaves what was known."""
        for name in asked:
            worker = self._workers[name]
            worker.details_asked_at = at
            consumed, slots = queue_names(queues.get(name)), pool_slots(stats.get(name))
            worker.queues = worker.queues if consumed is None else consumed
            worker.slots = worker.slots if slots is None else slots
            if consumed is not None and slots is not None:
                worker.details_at = at

    def consumes(self, name: str, queues: frozenset[str]) -> None:
        """It has just told which queues it takes tasks from."""
        self._workers.setdefault(name, _Worker()).queues = queues

    def resync(self) -> None:
        """Events were lost: ask everybody for queues and slots anew."""
        for worker in self._workers.values():
            worker.details_at = worker.details_asked_at = None

    def forget(self, at: float) -> None:
        """Leave out who gave no sign of life for ten minutes."""
        gone = [n for n, worker in self._workers.items() if at - worker.seen_at > FORGET_SECONDS]
        for name in gone:
            del self._workers[name]

    def states(self, now: float, at: float) -> dict[str, WorkerState]:
        """All workers, `now` being the wall's time at `at`."""
        return {name: self.state(name, now, at) for name in self._workers}

    def state(self, name: str, now: float, at: float) -> WorkerState:
        """One worker, as last told; nothing but its name when it is not known."""
        worker = self._workers.get(name, _Worker())
        return WorkerState(
            name=name,
            heartbeat_at=_wall(worker.heard_at, now, at),
            answered_at=_wall(worker.answered_at, now, at),
            offline=worker.offline_at is not None,
            queues=worker.queues,
            slots=worker.slots,
            active=worker.active,
            reserved=worker.reserved,
            processed=worker.processed,
            pid=worker.pid,
            version=worker.version,
            idle_since=_wall(worker.idle_at, now, at),
        )

    def duplicates(self, at: float) -> frozenset[str]:
        """Nodenames whose events came from two processes by turns within the last minute."""
        return frozenset(
            name
            for name, worker in self._workers.items()
            if worker.doubled_at is not None and at - worker.doubled_at <= DUPLICATE_SECONDS
        )

    def _awaited(self, worker: _Worker, at: float) -> bool:
        if worker.offline_at is not None:
            return False
        if worker.missed_at is not None and at - worker.missed_at < MISSED_SECONDS:
            return False
        heard = worker.heard_at is not None and at - worker.heard_at <= self._silent_after
        return heard or (worker.answered_at is not None and worker.missed_at is None)


def _wall(loop_time: float | None, now: float, at: float) -> float | None:
    return None if loop_time is None else min(now, now - (at - loop_time))


def _due(worker: _Worker, at: float) -> bool:
    old = worker.details_at is None or at - worker.details_at >= DETAILS_SECONDS
    asked = worker.details_asked_at
    return old and (asked is None or at - asked >= RETRY_SECONDS)


def _note_pid(worker: _Worker, pid: int, at: float) -> None:
    """A new process may take over a nodename; one that comes back after another is a second."""
    worker.pids = {p: heard for p, heard in worker.pids.items() if at - heard <= DUPLICATE_SECONDS}
    if worker.pid is not None and pid != worker.pid:
        worker.details_at = worker.details_asked_at = None
        if pid in worker.pids:
            worker.doubled_at = at
    worker.pids[pid] = at
    worker.pid = pid

"""One Celery worker process: fetches, runs, acknowledges, answers, hangs, dies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoscaler.model import ActiveTask, WorkerState
from tests.simulation.ledger import SimTaskRecord

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """As on Celery's command line. A worker holds at most slots * prefetch tasks unfinished.

    mute: remote control and events are off.
    """

    slots: int
    prefetch: int
    acks_late: bool
    queues: tuple[str, ...]
    mute: bool


class SimWorker:
    """A worker's main process and its pool.

    hung: stopped, says nothing, its running children go on. catatonic: answers, fetches nothing.
    stopping: was sent SIGTERM; finishes what runs and answers nobody.
    """

    def __init__(self, world: World, name: str, settings: WorkerSettings) -> None:
        self._world = world
        self.settings = settings
        self.name = name
        self.pid = world.next_pid()
        self.started_at = self._idle_since = world.now
        self.subscribed = set(settings.queues)
        self.active: dict[SimTaskRecord, float] = {}
        self.reserved: list[SimTaskRecord] = []
        self.hung = self.catatonic = self.stopping = self.connected = False
        self.alive = True
        self.looks = 0  # how often it was asked since it was told to stop
        self.on_exit: Callable[[], None] = lambda: None
        self._inbox: list[Callable[[], None]] = []
        self._done_while_hung: list[SimTaskRecord] = []

    @property
    def empty(self) -> bool:
        """Whether no task would notice if it was gone."""
        return not self.active and not self.reserved

    @property
    def answers(self) -> bool:
        """Whether remote control gets a reply."""
        return self.works and not self.settings.mute

    @property
    def works(self) -> bool:
        """Whether it is up, and would take tasks of the queues that it consumes."""
        return self.alive and self.connected and not (self.hung or self.stopping)

    @property
    def heard(self) -> bool:
        """Whether its events get through: heartbeats, and the last one when it stops."""
        return self.alive and self.connected and not (self.hung or self.settings.mute)

    @property
    def unacked(self) -> int:
        """Tasks delivered to it that the broker has no acknowledgement for."""
        return len(self.reserved) + (len(self.active) if self.settings.acks_late else 0)

    def consumes(self, queue: str) -> bool:
        """Whether the broker counts it as a consumer of the queue."""
        return self.alive and self.connected and queue in self.subscribed

    def wants(self, queue: str) -> bool:
        """Whether it would take one more task of this queue."""
        settings = self.settings
        if len(self.active) + len(self.reserved) >= settings.slots * settings.prefetch:
            return False
        return self.works and not self.catatonic and queue in self.subscribed

    def connect(self) -> None:
        """Come online: from now on it is heard and consumes."""
        if self.alive and not self.stopping:
            self.connected = True
            self._fetch_more()

    def disconnect(self) -> None:
        """Lose the broker; running tasks go on."""
        self.connected = False

    def fetch(self, task: SimTaskRecord) -> None:
        """Take a task and run it as soon as a slot is free."""
        self.reserved.append(task)
        self._start_reserved()

    def tell(self, command: Callable[[], None]) -> None:
        """A remote-control command arrives; a hung worker reads it when it goes on."""
        if self.hung:
            self._inbox.append(command)
        elif self.answers:
            command()

    def cancel_consumers(self, queues: Iterable[str]) -> None:
        if not self.subscribed.isdisjoint(queues):
            self.looks = 0
        self.subscribed.difference_update(queues)

    def add_consumers(self, queues: Iterable[str]) -> None:
        self.subscribed.update(queues)
        self._fetch_more()

    def hang(self) -> None:
        """SIGSTOP."""
        self.hung = True

    def wake(self) -> None:
        """SIGCONT: whatever arrived meanwhile is done now."""
        self.hung = False
        commands, self._inbox = self._inbox, []
        for command in commands:
            self.tell(command)
        done, self._done_while_hung = self._done_while_hung, []
        for task in done:
            self._finish(task)
        self._fetch_more()

    def revoke(self) -> None:
        """Give up every task it holds, if it listens."""
        if not self.works:
            return
        for task in (*self.active, *self.reserved):
            self._world.ledger.cancel(task)
        self.active.clear()
        self.reserved.clear()
        self._idle_since = self._world.now

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM: a warm shutdown; SIGKILL after the grace period."""
        self.stopping = True
        self.subscribed.clear()
        given_back, self.reserved = self.reserved, []
        self._world.broker.redeliver(given_back, after_seconds=0)
        if not self.active:
            self._exit()
        else:
            self._world.after(grace_seconds, self.kill, "scale_in")

    def kill(self, cause: str) -> None:
        """SIGKILL. Acknowledged tasks are lost, others come back to the queue in a while."""
        if not self.alive:
            return
        for task in self.active:
            self._world.ledger.die(task, cause)
            self._world.oracles.task_died(task, cause, self)
            if not self.settings.acks_late:
                self._world.ledger.lose(task, cause)
        back = [*self.reserved, *(self.active if self.settings.acks_late else ())]
        self.active.clear()
        self.reserved.clear()
        self._world.broker.redeliver(back, self._world.scenario.redeliver_seconds)
        self._exit()

    def state(self, at: float) -> WorkerState:
        """What it answers when asked for everything, by a clock that says `at`."""
        active = tuple(ActiveTask(str(task.number), "tasks.work") for task in self.active)
        return WorkerState(
            name=self.name,
            heartbeat_at=at,
            answered_at=at,
            queues=frozenset(self.subscribed),
            slots=self.settings.slots,
            active=active,
            reserved=len(self.reserved),
            pid=self.pid,
            idle_since=None if active else at - (self._world.now - self._idle_since),
        )

    def _fetch_more(self) -> None:
        for queue in sorted(self.subscribed):
            self._world.broker.dispatch(queue)

    def _start_reserved(self) -> None:
        while self.reserved and len(self.active) < self.settings.slots:
            task = self.reserved.pop(0)
            task.started += 1
            self.active[task] = self._world.now
            self._world.after(task.seconds, self._finish, task)

    def _finish(self, task: SimTaskRecord) -> None:
        if task not in self.active:
            return
        if self.hung:
            self._done_while_hung.append(task)
            return
        del self.active[task]
        self._world.ledger.finish(task)
        self._idle_since = self._world.now
        if self.stopping and not self.active:
            self._exit()
        elif not self.stopping:
            self._start_reserved()
            self._fetch_more()

    def _exit(self) -> None:
        if self.alive:
            self.alive = self.connected = False
            self._world.broker.workers.remove(self)
            self.on_exit()

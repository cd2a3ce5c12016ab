"""The broker: queues, what is delivered and not acknowledged, and who consumes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from autoscaler.model import BrokerState, QueueState
from tests.simulation.ledger import SimTaskRecord

if TYPE_CHECKING:
    from tests.simulation.worker import SimWorker
    from tests.simulation.world import World

LANDING_SECONDS = 0.001
LATE_TASK_SECONDS = 60.0


class SimBroker:
    """Hands tasks to consumers. `up` is False while it cannot be reached by anybody."""

    def __init__(self, world: World, queues: Iterable[str]) -> None:
        self._world = world
        self.queues: dict[str, deque[SimTaskRecord]] = {queue: deque() for queue in queues}
        self.workers: list[SimWorker] = []
        self.up = True

    def send(self, queue: str, seconds: float) -> None:
        """A producer sends a task; while the broker is down it waits in the producer."""
        task = self._world.ledger.send(queue, seconds, self._world.now)
        self.deliver(task)

    def deliver(self, task: SimTaskRecord) -> None:
        """Put a task at the end of its queue and give it to a consumer."""
        self.queues[task.queue].append(task)
        self.dispatch(task.queue)

    def redeliver(self, tasks: Iterable[SimTaskRecord], after_seconds: float) -> None:
        """Give tasks of a dead consumer to others, as the visibility timeout does."""
        for task in tasks:
            self._world.after(after_seconds, self.deliver, task)

    def dispatch(self, queue: str) -> None:
        """Give waiting tasks to consumers with room, in a random turn."""
        waiting = self.queues[queue]
        while waiting and self.up:
            able = [w for w in self.workers if queue in w.subscribed and w.wants(queue)]
            if not able:
                return
            self._world.random.choice(able).fetch(waiting.popleft())

    def purge(self, queues: Iterable[str]) -> None:
        """Throw away what waits in these queues, and revoke what their workers hold."""
        for queue in queues:
            waiting = self.queues[queue]
            while waiting:
                self._world.ledger.cancel(waiting.popleft())
        for worker in list(self.workers):
            if not worker.subscribed.isdisjoint(queues):
                worker.revoke()

    def land(self, worker: SimWorker) -> None:
        """What was under way to one that was told to stop arrives at a first look or just after.

        No later: what is on its way longer than from one look to the next, nobody can know of.
        """
        worker.looks += 1
        if worker.looks > 1 or worker.subscribed or not self._world.faults.strikes("late_delivery"):
            return
        task = self._world.ledger.send(
            worker.settings.queues[0], LATE_TASK_SECONDS, self._world.now
        )
        if self._world.random.random() < 0.5:
            worker.fetch(task)
        else:
            self._world.after(LANDING_SECONDS, worker.fetch, task)

    def named(self, worker: str) -> list[SimWorker]:
        """Every process that answers to this nodename; twins are possible."""
        return [process for process in self.workers if process.name == worker]

    def observe(self, at: float) -> BrokerState:
        """What a poll finds."""
        queues = {name: self._queue_state(name) for name in self.queues}
        unacked = sum(worker.unacked for worker in self.workers)
        return BrokerState(at=at, queues=queues, unacked_tasks=unacked)

    def _queue_state(self, name: str) -> QueueState:
        waiting = self.queues[name]
        oldest = self._world.now - waiting[0].sent_at if waiting else None
        consumers = sum(1 for worker in self.workers if worker.consumes(name))
        return QueueState(name, len(waiting), None, consumers, oldest)

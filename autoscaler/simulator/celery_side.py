"""The simulated world as a Celery deployment shows itself to the daemon: a broker, and workers."""

from __future__ import annotations

from collections.abc import Iterable

from autoscaler.errors import ControlError
from autoscaler.interfaces import Context, Options, Source, WorkerControl
from autoscaler.model import ActiveTask, BrokerState, QueueState, WorkersState, WorkerState
from autoscaler.simulator.crew import BEGIN, Worker
from autoscaler.simulator.world import World

AIRFLOW_TASK = "execute_workload"


class WorldOptions(Options):
    """world: what is looked at. airflow: whether its tasks are Airflow's."""

    world: World
    airflow: bool = False


def nodename(unit: str) -> str:
    """What the worker in a unit is called."""
    return f"{unit}@simulated"


class WorldBroker(Source[WorldOptions]):
    """Tells how many tasks wait in each queue, and for how long the first does."""

    options_type = WorldOptions

    async def read(self, now: float) -> BrokerState:
        queues: dict[str, QueueState] = {}
        for fleet, rules in self.options.world.rules.items():
            queues.update(self._queues(fleet, rules.queues or (fleet,), now))
        return BrokerState(now, queues)

    def _queues(self, fleet: str, names: tuple[str, ...], now: float) -> dict[str, QueueState]:
        waiting = self.options.world.waiting(fleet)
        depths: dict[str, int] = dict.fromkeys(names, 0)
        oldest: dict[str, float | None] = {}
        if len(names) == 1 and waiting:
            depths[names[0]], oldest[names[0]] = len(waiting), waiting[0].ready_at
        else:
            for run in waiting:
                depths[run.task.queue] += 1
                oldest.setdefault(run.task.queue, run.ready_at)
        ages = {name: now - BEGIN - at for name, at in oldest.items() if at is not None}
        return {
            name: QueueState(name, depth, oldest_age_seconds=ages.get(name))
            for name, depth in depths.items()
        }


class WorldWorkers(Source[WorldOptions], WorkerControl):
    """Tells of the workers that have started, and speaks to each."""

    options_type = WorldOptions

    def __init__(self, options: WorldOptions, context: Context) -> None:
        super().__init__(options, context)
        self._told: dict[Worker, tuple[int, int, tuple[ActiveTask, ...]]] = {}
        self._queues = {
            fleet: frozenset(rules.queues or (fleet,))
            for fleet, rules in options.world.rules.items()
        }

    async def read(self, now: float) -> WorkersState:
        states = {}
        for fleet in self.options.world.rules:
            for worker in self.options.world.workers(fleet).values():
                if worker.ready:
                    state = self._state(worker, now)
                    states[state.name] = state
        return WorkersState(now, states)

    def control(self) -> WorkerControl | None:
        return self

    async def cancel_consumers(self, worker: str, queues: Iterable[str]) -> None:
        found = self._found(worker)
        self.options.world.drain(found.fleet, found.name, leaves=False)

    async def add_consumers(self, worker: str, queues: Iterable[str]) -> None:
        found = self._found(worker)
        self.options.world.resume(found.fleet, found.name)

    async def inspect(self, worker: str, now: float) -> WorkerState:
        return self._state(self._found(worker), now)

    def _found(self, nodename: str) -> Worker:
        unit = nodename.partition("@")[0]
        for fleet in self.options.world.rules:
            worker = self.options.world.workers(fleet).get(unit)
            if worker is not None and worker.ready:
                return worker
        raise ControlError(f"{nodename} does not answer")

    def _state(self, worker: Worker, now: float) -> WorkerState:
        return WorkerState(
            name=nodename(worker.name),
            heartbeat_at=now,
            answered_at=now,
            queues=frozenset() if worker.draining else self._queues[worker.fleet],
            slots=worker.slots,
            active=self._active_of(worker),
            reserved=0,
            processed=worker.done,
            idle_since=None if worker.running else BEGIN + worker.idle_at,
        )

    def _active_of(self, worker: Worker) -> tuple[ActiveTask, ...]:
        """As it was told last, unless it began or ended something since."""
        told = self._told.get(worker)
        if told is not None and told[:2] == (worker.done, len(worker.running)):
            return told[2]
        airflow = self.options.airflow
        active = tuple(
            ActiveTask(task_id, AIRFLOW_TASK if airflow else run.task.key, BEGIN + run.started_at)
            for task_id, run in worker.running.items()
            if run.started_at is not None
        )
        self._told[worker] = worker.done, len(worker.running), active
        return active

"""The simulated world as Airflow's metadata database shows it: nothing that it could not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from autoscaler.interfaces import Context, Source
from autoscaler.model import (
    AirflowJob,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    DagStructure,
    FinishedRun,
    JobKind,
)
from autoscaler.simulator.celery_side import WorldOptions
from autoscaler.simulator.crew import BEGIN, TaskRun
from autoscaler.simulator.dag_runs import EXECUTOR, DagRun, Schedule, dag_and_task, dag_runs

HORIZON_SECONDS = 3600.0
VERSION = "3.1.0"
QUEUED, RUNNING = "queued", "running"
Queue = tuple[str, str]


class WorldAirflow(Source[WorldOptions]):
    """Tells of tasks with the executor, of DAG runs, and of those that are due by a schedule.

    Of a DAG's structure it tells when its first run is due or there, and when it changes; of a run
    that is over once. How long a task will run, and what nobody submitted, it does not know.
    """

    options_type = WorldOptions

    def __init__(self, options: WorldOptions, context: Context) -> None:
        super().__init__(options, context)
        self._world = options.world
        runs, self._owners = dag_runs(options.world.runs)
        self._schedule = Schedule(runs)
        self._readied = self._ended = 0
        self._active: dict[DagRun, None] = {}
        self._structures: dict[str, DagStructure] = {}
        self._news: list[DagStructure] = []
        self._queued: dict[str, AirflowTask] = {}
        self._running: dict[str, AirflowTask] = {}

    async def read(self, now: float) -> AirflowState:
        for run in self._schedule.look_ahead(now - BEGIN + HORIZON_SECONDS):
            if run.dag_id not in self._structures:
                self._learn(run.structure())
        finished = tuple(self._follow(now - BEGIN))
        structures, self._news = tuple(self._news), []
        tasks = tuple(self._tasks())
        return AirflowState(
            at=now,
            version=VERSION,
            queues=dict(self._queues(tasks)),
            tasks=tasks,
            jobs=(AirflowJob(JobKind.SCHEDULER, "simulated", now),),
            next_runs=self._schedule.next_runs(),
            runs=tuple(run.active() for run in self._active),
            structures=structures,
            finished_runs=finished,
        )

    def _follow(self, now: float) -> Iterator[FinishedRun]:
        """Note what happened since the last read; the runs that it ended."""
        for run in self._schedule.begun(now):
            self._active[run] = None
            self._learn(run.structure())
        for one in self._world.readied[self._readied :]:
            self._owners[one.task.id].ready(one)
        self._readied = len(self._world.readied)
        for one in self._world.ended[self._ended :]:
            run = self._owners[one.task.id]
            run.left -= 1
            self._queued.pop(one.task.id, None)
            self._running.pop(one.task.id, None)
            if not run.left:
                del self._active[run]
                yield run.finished()
        self._ended = len(self._world.ended)

    def _learn(self, structure: DagStructure) -> None:
        if self._structures.get(structure.dag_id) != structure:
            self._structures[structure.dag_id] = structure
            self._news.append(structure)

    def _queues(self, tasks: Sequence[AirflowTask]) -> Iterator[tuple[Queue, AirflowQueue]]:
        counts = Counter((task.queue, task.state) for task in tasks)
        for fleet, rules in self._world.rules.items():
            waiting = self._world.waiting(fleet)
            for name in rules.queues or (fleet,):
                oldest = next((run.ready_at for run in waiting if run.task.queue == name), None)
                yield (
                    (name, EXECUTOR),
                    AirflowQueue(
                        name,
                        EXECUTOR,
                        queued=counts[name, QUEUED],
                        running=counts[name, RUNNING],
                        oldest_queued_at=None if oldest is None else BEGIN + oldest,
                    ),
                )

    def _tasks(self) -> Iterator[AirflowTask]:
        """Those with the executor; of each the same record for as long as nothing changes."""
        queued, running = self._queued, self._running
        for fleet in self._world.rules:
            for run in self._world.waiting(fleet):
                task_id = run.task.id
                yield queued.get(task_id) or queued.setdefault(task_id, self._task(run))
            for worker in self._world.workers(fleet).values():
                for task_id, run in worker.running.items():
                    yield running.get(task_id) or running.setdefault(task_id, self._task(run))

    def _task(self, run: TaskRun) -> AirflowTask:
        dag_id, task_id = dag_and_task(run.task.key)
        ready_at, started_at = run.ready_at, run.started_at
        return AirflowTask(
            id=run.task.id,
            dag_id=dag_id,
            task_id=task_id,
            run_id=self._owners[run.task.id].run_id,
            map_index=-1,
            state=QUEUED if started_at is None else RUNNING,
            queue=run.task.queue,
            queued_at=None if ready_at is None else BEGIN + ready_at,
            started_at=None if started_at is None else BEGIN + started_at,
        )

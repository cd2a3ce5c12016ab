"""The simulated world as Airflow's metadata database shows it: nothing that it could not know."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.interfaces import Context, Source
from autoscaler.model import (
    AirflowJob,
    AirflowQueue,
    AirflowState,
    AirflowTask,
    DagStructure,
    FinishedRun,
    JobKind,
    NextRun,
)
from autoscaler.simulator.celery_side import WorldOptions
from autoscaler.simulator.crew import BEGIN, TaskRun
from autoscaler.simulator.dag_runs import EXECUTOR, DagRun, dag_and_task, dag_runs

HORIZON_SECONDS = 3600.0
VERSION = "3.1.0"


class WorldAirflow(Source[WorldOptions]):
    """Tells of tasks with the executor, of DAG runs, and of those that are due by a schedule.

    Of a DAG's structure it tells when its first run is due or there, and when it changes; of a run
    that is over once. How long a task will run, and what nobody submitted, it does not know.
    """

    options_type = WorldOptions

    def __init__(self, options: WorldOptions, context: Context) -> None:
        super().__init__(options, context)
        self._world = options.world
        self._runs, self._owners = dag_runs(options.world.runs)
        self._begun = self._readied = self._ended = 0
        self._active: dict[DagRun, None] = {}
        self._structures: dict[str, DagStructure] = {}
        self._news: list[DagStructure] = []
        self._queued: dict[str, AirflowTask] = {}
        self._running: dict[str, AirflowTask] = {}

    async def read(self, now: float) -> AirflowState:
        finished = tuple(self._follow(now - BEGIN))
        next_runs = tuple(self._next_runs(now - BEGIN))
        structures, self._news = tuple(self._news), []
        return AirflowState(
            at=now,
            version=VERSION,
            queues=dict(self._queues()),
            tasks=self._tasks(),
            jobs=(AirflowJob(JobKind.SCHEDULER, "simulated", now),),
            next_runs=next_runs,
            runs=tuple(run.active() for run in self._active),
            structures=structures,
            finished_runs=finished,
        )

    def _follow(self, now: float) -> Iterator[FinishedRun]:
        """Note what happened since the last read; the runs that it ended."""
        while self._begun < len(self._runs) and self._runs[self._begun].submit <= now:
            run = self._runs[self._begun]
            self._begun += 1
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

    def _next_runs(self, now: float) -> Iterator[NextRun]:
        """Of each DAG the next run, if its schedule has it within the horizon."""
        due: set[str] = set()
        for index in range(self._begun, len(self._runs)):
            run = self._runs[index]
            if run.nominal > now + HORIZON_SECONDS:
                break
            if run.scheduled and run.dag_id not in due:
                due.add(run.dag_id)
                if run.dag_id not in self._structures:
                    self._learn(run.structure())
                yield NextRun(run.dag_id, BEGIN + run.nominal)

    def _queues(self) -> Iterator[tuple[tuple[str, str], AirflowQueue]]:
        for fleet, rules in self._world.rules.items():
            names = rules.queues or (fleet,)
            queued = dict.fromkeys(names, 0)
            oldest: dict[str, float] = {}
            for run in self._world.waiting(fleet):
                queued[run.task.queue] += 1
                oldest.setdefault(run.task.queue, BEGIN + (run.ready_at or 0.0))
            running = dict.fromkeys(names, 0)
            for worker in self._world.workers(fleet).values():
                for run in worker.running.values():
                    running[run.task.queue] += 1
            for name in names:
                key = name, EXECUTOR
                yield (
                    key,
                    AirflowQueue(
                        *key,
                        queued=queued[name],
                        running=running[name],
                        oldest_queued_at=oldest.get(name),
                    ),
                )

    def _tasks(self) -> tuple[AirflowTask, ...]:
        """Those with the executor; of each the same record for as long as nothing changes."""
        tasks = []
        for fleet in self._world.rules:
            for run in self._world.waiting(fleet):
                known = self._queued.get(run.task.id)
                tasks.append(known or self._queued.setdefault(run.task.id, self._task(run)))
            for worker in self._world.workers(fleet).values():
                for task_id, run in worker.running.items():
                    known = self._running.get(task_id)
                    tasks.append(known or self._running.setdefault(task_id, self._task(run)))
        return tuple(tasks)

    def _task(self, run: TaskRun) -> AirflowTask:
        dag_id, task_id = dag_and_task(run.task.key)
        ready_at, started_at = run.ready_at, run.started_at
        return AirflowTask(
            id=run.task.id,
            dag_id=dag_id,
            task_id=task_id,
            run_id=self._owners[run.task.id].run_id,
            map_index=-1,
            state="queued" if started_at is None else "running",
            queue=run.task.queue,
            queued_at=None if ready_at is None else BEGIN + ready_at,
            started_at=None if started_at is None else BEGIN + started_at,
        )

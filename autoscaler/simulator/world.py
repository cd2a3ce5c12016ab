"""The simulated world: queues, workers that start slowly, and tasks; from event to event."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from autoscaler.simulator.crew import Rules, TaskRun, Worker
from autoscaler.simulator.measures import Changes, Measures, measure
from autoscaler.simulator.trace import Trace

DEPENDENCY_SECONDS = 2.0
LATE_SECONDS = 300.0


class World:
    """A trace's tasks on workers that whoever decides launches, drains, resumes and stops.

    rules: of each fleet, by its name; each serves a queue of that name unless it names others.
    A task is ready when it was submitted and its last dependency ended 2 s ago; each fleet's
    tasks start in that order, on a worker that is drawn from those with a free slot. Starts and
    draws have random streams of their own. end: when everything is over, else 300 s after the
    last submission. readied, ended: tasks in the order in which they were first ready, and over;
    deaths: when a task was killed. In the beginning each fleet has its least number of workers,
    ready at once.
    """

    def __init__(
        self, trace: Trace, rules: Mapping[str, Rules], seed: int = 1, end: float | None = None
    ) -> None:
        self.trace = trace
        self.rules = rules
        self.seed = seed
        self.now = 0.0
        self.end = trace.span + LATE_SECONDS if end is None else end
        self.changes = {fleet: Changes() for fleet in rules}
        self.readied: list[TaskRun] = []
        self.ended: list[TaskRun] = []
        self.deaths: list[float] = []
        self._starts = Random(f"start {seed}")  # noqa: S311 - a simulation
        self._draws = Random(f"place {seed}")  # noqa: S311 - a simulation
        self._events: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._numbers = count()
        self._workers: dict[str, dict[str, Worker]] = {fleet: {} for fleet in rules}
        self._gone: list[Worker] = []
        self._waiting: dict[str, deque[TaskRun]] = {fleet: deque() for fleet in rules}
        self._free: dict[str, list[Worker]] = {fleet: [] for fleet in rules}
        self.runs = _runs(trace, rules)
        self.submitted = 0
        self._followers = _followers(self.runs)
        for fleet, rule in rules.items():
            for number in range(rule.min_workers):
                self._put(Worker(f"{fleet}-{number}", fleet, rule.slots, 0.0, 0.0))
        self.advance(0.0)

    def advance(self, to: float) -> None:
        """Let everything happen that happens until then; nothing does after the end."""
        to = min(to, self.end)
        events, runs = self._events, self.runs
        while True:
            at = events[0][0] if events else to
            if self.submitted < len(runs) and runs[self.submitted].task.submit <= min(at, to):
                self._submit(runs[self.submitted])
            elif events and at <= to:
                self.now, _, happen, subject = heappop(events)
                happen(subject)
            else:
                break
        self.now = max(self.now, to)

    def workers(self, fleet: str) -> Mapping[str, Worker]:
        """Its workers that have not ended, starting ones included, by name, oldest first."""
        return self._workers[fleet]

    def waiting(self, fleet: str) -> deque[TaskRun]:
        """Its tasks that are ready and wait for a slot, in their order. To be looked at only."""
        return self._waiting[fleet]

    def launch(self, fleet: str, name: str) -> Worker:
        """Ask for one more worker. Raises ValueError when there is one of that name."""
        if name in self._workers[fleet]:
            raise ValueError(f"fleet {fleet} has a worker {name} already")
        rule = self.rules[fleet]
        ready_at = self.now + rule.start_seconds(self._starts)
        worker = Worker(name, fleet, rule.slots, self.now, ready_at)
        self._put(worker)
        self.changes[fleet].up(self.now, launches=1)
        return worker

    def drain(self, fleet: str, name: str, *, leaves: bool = True) -> None:
        """Let it take no more tasks; it ends when it is empty, or if not `leaves` when removed."""
        worker = self._workers[fleet][name]
        if not worker.draining:
            self.changes[fleet].down(self.now)
        worker.draining, worker.leaves = True, leaves
        self._take_from_free(worker)
        self._leave_if_empty(worker)

    def resume(self, fleet: str, name: str) -> None:
        """Let a draining worker take tasks again."""
        worker = self._workers[fleet][name]
        if worker.draining:
            worker.draining = worker.leaves = False
            self.changes[fleet].up(self.now)
            self._offer(worker)

    def stop(self, fleet: str, name: str, grace: float) -> None:
        """Drain it, and end it after the grace with whatever it runs, which starts from scratch."""
        worker = self._workers[fleet][name]
        self.drain(fleet, name)
        if worker.ended_at is None:
            self._at(self.now + grace, self._kill, worker)

    def remove(self, fleet: str, name: str) -> None:
        """End it now; what it runs is killed, and starts from scratch."""
        worker = self._workers[fleet][name]
        if not worker.draining:
            self.changes[fleet].down(self.now)
        worker.draining = True
        self._kill(worker)

    def result(self) -> Measures:
        """What came of it all; the rest of the trace happens first."""
        self.advance(self.end)
        return measure(self.runs, self.everyone(), self.changes.values(), self.end)

    def everyone(self) -> list[Worker]:
        """All workers that there ever were."""
        return [*self._gone, *(w for fleet in self._workers.values() for w in fleet.values())]

    def _at(self, when: float, happen: Callable[[Any], None], subject: Any) -> None:
        heappush(self._events, (when, next(self._numbers), happen, subject))

    def _put(self, worker: Worker) -> None:
        self._workers[worker.fleet][worker.name] = worker
        self._at(worker.ready_at, self._ready, worker)

    def _submit(self, run: TaskRun) -> None:
        self.submitted += 1
        self.now = max(self.now, run.task.submit)
        if run.unmet == 0:
            self._queue(run)

    def _queue(self, run: TaskRun) -> None:
        if run.ready_at is None:
            run.ready_at = self.now
            self.readied.append(run)
        self._waiting[run.fleet].append(run)
        self._start(run.fleet)

    def _start(self, fleet: str) -> None:
        """Start what waits, for as long as a slot is free."""
        waiting, free = self._waiting[fleet], self._free[fleet]
        while waiting and free:
            worker = free[int(self._draws.random() * len(free))]
            run = waiting.popleft()
            run.worker, run.started_at = worker, self.now
            if run.first_at is None:
                run.first_at = self.now
            worker.running[run.task.id] = run
            if len(worker.running) == worker.slots:
                self._take_from_free(worker)
            self._at(self.now + run.task.duration, self._finish, (run, run.kills))

    def _finish(self, which: tuple[TaskRun, int]) -> None:
        run, kills = which
        worker = run.worker
        if worker is None or run.kills != kills:
            return  # that run of it was killed
        run.ended_at, run.worker = self.now, None
        self.ended.append(run)
        del worker.running[run.task.id]
        worker.done += 1
        worker.idle_at = self.now
        for follower in self._followers.get(run.task.id, ()):
            follower.unmet -= 1
            if follower.unmet == 0:
                at = self.now + DEPENDENCY_SECONDS
                if follower.task.submit <= at:
                    follower.unmet = -1
                    self._at(at, self._queue, follower)
        self._leave_if_empty(worker)
        self._offer(worker)

    def _ready(self, worker: Worker) -> None:
        if worker.ended_at is None:
            worker.ready, worker.idle_at = True, self.now
            self._offer(worker)

    def _offer(self, worker: Worker) -> None:
        """Put it among those with a free slot, if it is one of them."""
        takes = worker.ready and not worker.draining and worker.ended_at is None
        if takes and worker.place is None and len(worker.running) < worker.slots:
            free = self._free[worker.fleet]
            worker.place = len(free)
            free.append(worker)
        self._start(worker.fleet)

    def _take_from_free(self, worker: Worker) -> None:
        if worker.place is not None:
            free = self._free[worker.fleet]
            last = free.pop()
            if last is not worker:
                free[worker.place], last.place = last, worker.place
            worker.place = None

    def _leave_if_empty(self, worker: Worker) -> None:
        if worker.leaves and not worker.running and worker.ended_at is None:
            self._end(worker)

    def _kill(self, worker: Worker) -> None:
        if worker.ended_at is not None or not worker.draining:
            return  # it is gone already, or was resumed
        lost = list(worker.running.values())
        worker.running.clear()
        self._take_from_free(worker)
        self._end(worker)
        for run in lost:
            run.kills += 1
            self.deaths.append(self.now)
            run.worker = run.started_at = None
            self._queue(run)

    def _end(self, worker: Worker) -> None:
        worker.ended_at = self.now
        self._gone.append(worker)
        del self._workers[worker.fleet][worker.name]


def _runs(trace: Trace, rules: Mapping[str, Rules]) -> list[TaskRun]:
    """A run for each task. Raises ValueError for a queue that no fleet serves."""
    fleets = {queue: fleet for fleet, rule in rules.items() for queue in rule.queues or (fleet,)}
    if unserved := [queue for queue in trace.queues if queue not in fleets]:
        raise ValueError(f"no fleet serves queue {', '.join(unserved)}")
    return [TaskRun(task, fleets[task.queue], len(set(task.deps))) for task in trace.tasks]


def _followers(runs: Iterable[TaskRun]) -> dict[str, list[TaskRun]]:
    """Of each task those that wait for it."""
    followers: dict[str, list[TaskRun]] = {}
    for run in runs:
        for dep in set(run.task.deps):
            followers.setdefault(dep, []).append(run)
    return followers

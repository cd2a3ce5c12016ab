"""The trace format: which tasks came when, how long they ran, and what they waited for.

A CSV file, gzipped if its name ends in `.gz`, whose columns are `id`, `submit_s`, `duration_s`,
`queue`, `deps` (ids, joined by `;`) and `key` (what stays the same from run to run:
`DAG.GROUP.TASK`, or the name of a Celery task). Its rows are sorted by `submit_s`.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autoscaler.errors import ConfigError

COLUMNS = ("id", "submit_s", "duration_s", "queue", "deps", "key")
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class TraceTask:
    """One task. submit, duration: seconds, from the trace's begin. deps: ids of other tasks."""

    id: str
    submit: float
    duration: float
    queue: str
    deps: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Trace:
    """Tasks by when they were submitted. name: of the file, without its endings."""

    name: str
    tasks: tuple[TraceTask, ...]

    @cached_property
    def queues(self) -> tuple[str, ...]:
        """Those that its tasks name, in order of the first task."""
        return tuple(dict.fromkeys(task.queue for task in self.tasks))

    @cached_property
    def span(self) -> float:
        """Seconds from its begin to its last task's submission."""
        return self.tasks[-1].submit if self.tasks else 0.0

    @cached_property
    def has_deps(self) -> bool:
        """Whether tasks wait for others, as those of a DAG do."""
        return any(task.deps for task in self.tasks)

    def until(self, seconds: float) -> Trace:
        """Its first part: what was submitted before; deps on what is left out are dropped."""
        tasks = [task for task in self.tasks if task.submit < seconds]
        kept = {task.id for task in tasks}
        whole = (task if kept.issuperset(task.deps) else _without(task, kept) for task in tasks)
        return Trace(self.name, tuple(whole))


def load(path: Path) -> Trace:
    """The trace in a file. Raises ConfigError, which says in which line it is wrong."""
    tasks: list[TraceTask] = []
    lines: dict[str, int] = {}
    for line, task in _rows(path):
        if task.id in lines:
            raise _fault(path, line, f"id {task.id} is in line {lines[task.id]} already")
        if tasks and task.submit < tasks[-1].submit:
            raise _fault(path, line, "submit_s is less than in the line before; sort by submit_s")
        lines[task.id] = line
        tasks.append(task)
    if not tasks:
        raise _fault(path, 1, "no task is in it; a trace needs at least one row")
    for task in tasks:
        for dep in task.deps:
            if dep not in lines:
                raise _fault(path, lines[task.id], f"deps: no task has the id {dep}")
    if (stuck := circular(tasks)) is not None:
        raise _fault(path, lines[stuck.id], f"deps: task {stuck.id} waits for itself, in a circle")
    return Trace(path.name.removesuffix(".gz").removesuffix(".csv"), tuple(tasks))


def write(trace: Trace, path: Path) -> None:
    """Write the trace to a file, gzipped if its name ends in `.gz`; always the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for task in trace.tasks:
        times = f"{task.submit:.2f}", f"{task.duration:.2f}"
        writer.writerow((task.id, *times, task.queue, ";".join(task.deps), task.key))
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)


def circular(tasks: Iterable[TraceTask]) -> TraceTask | None:
    """A task that would wait for itself; None where there is no such one."""
    waiting = {task.id: len(set(task.deps)) for task in tasks if task.deps}
    if not waiting:
        return None
    followers: dict[str, list[str]] = {}
    for task in tasks:
        for dep in set(task.deps):
            followers.setdefault(dep, []).append(task.id)
    free = [task.id for task in tasks if not task.deps]
    while free:
        for follower in followers.get(free.pop(), ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                free.append(follower)
    return next((task for task in tasks if waiting.get(task.id)), None)


def _rows(path: Path) -> Iterator[tuple[int, TraceTask]]:
    reader = csv.reader(io.StringIO(_text(path)), strict=True)
    try:
        header = next(reader, [])
        lacking = [column for column in COLUMNS if column not in header]
        if lacking:
            what = (
                f"column {', '.join(lacking)} is missing; the first line names {','.join(COLUMNS)}"
            )
            raise _fault(path, 1, what)
        for row in reader:
            if len(row) != len(header):
                what = f"{len(row)} fields, where the first line names {len(header)}"
                raise _fault(path, reader.line_num, what)
            task = _task(path, reader.line_num, dict(zip(header, row, strict=True)))
            yield reader.line_num, task
    except csv.Error as error:
        raise _fault(path, reader.line_num, f"no CSV: {error}") from error


def _task(path: Path, line: int, row: Mapping[str, str]) -> TraceTask:
    if not row["id"] or not row["queue"]:
        raise _fault(path, line, "id and queue must not be empty")
    return TraceTask(
        id=row["id"],
        submit=_seconds(path, line, row, "submit_s"),
        duration=_seconds(path, line, row, "duration_s"),
        queue=row["queue"],
        deps=tuple(row["deps"].split(";")) if row["deps"] else (),
        key=row["key"],
    )


def _seconds(path: Path, line: int, row: Mapping[str, str], column: str) -> float:
    try:
        seconds = float(row[column])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _fault(path, line, f"{column} is {row[column]!r}; write seconds, 0 or more")
    return seconds


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(path, 1, "not UTF-8; save it as UTF-8") from error
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _fault(path, 1, f"cannot be read: {why}") from error


def _fault(path: Path, line: int, what: str) -> ConfigError:
    return ConfigError(f"{path}:{line}: trace: {what}")


def _without(task: TraceTask, kept: set[str]) -> TraceTask:
    deps = tuple(dep for dep in task.deps if dep in kept)
    return TraceTask(task.id, task.submit, task.duration, task.queue, deps, task.key)

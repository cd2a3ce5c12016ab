"""What workers' answers mean. Task arguments are dropped as they are parsed."""

from __future__ import annotations

import json
import math
from typing import Any

from autoscaler.model import ActiveTask

MAX_BYTES = 16 * 2**20
MAX_ITEMS = 100_000
MAX_TEXT = 512
CLOCK_SKEW_SECONDS = 60.0


def parse_without_arguments(text: str | bytes) -> Any:
    """The JSON value, without any `args` and `kwargs`. Raises ValueError when it is no JSON."""
    if len(text) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    return json.loads(text, object_hook=_without_arguments)


def active_tasks(reply: Any, now: float) -> tuple[ActiveTask, ...] | None:
    """The tasks of an `active` reply; None when it is none, or one of them is no task."""
    if not _records(reply):
        return None
    return tuple(_active_task(task, now) for task in reply[:MAX_ITEMS])


def reserved_count(reply: Any) -> int | None:
    """How many tasks a `reserved` reply names; None when it is none."""
    return len(reply) if isinstance(reply, list) else None


def queue_names(reply: Any) -> frozenset[str] | None:
    """The queues of an `active_queues` reply; None when it is none, or one of them has no name."""
    if not _records(reply):
        return None
    names = [queue.get("name") for queue in reply[:MAX_ITEMS]]
    return frozenset(names) if all(isinstance(name, str) for name in names) else None


def pool_slots(reply: Any) -> int | None:
    """How many tasks the pool of a `stats` reply runs at once; None when it does not say.

    `max-concurrency` stays as it was when a prefork pool grows or shrinks, so its processes count.
    """
    pool = reply.get("pool") if isinstance(reply, dict) else None
    if not isinstance(pool, dict):
        return None
    processes = pool.get("processes")
    if isinstance(processes, list) and processes:
        return len(processes)
    return _count(pool.get("max-concurrency")) or None


def refusal(reply: Any) -> str | None:
    """Why the worker did not do what it was asked, if it says so."""
    if isinstance(reply, dict) and "error" in reply:
        return str(reply["error"])[:MAX_TEXT]
    return None


def _records(reply: Any) -> bool:
    """Whether it is a list of objects: what is left of a garbled one must not pass for nothing."""
    return isinstance(reply, list) and all(isinstance(record, dict) for record in reply)


def _without_arguments(value: dict[str, Any]) -> dict[str, Any]:
    value.pop("args", None)
    value.pop("kwargs", None)
    return value


def _active_task(task: dict[str, Any], now: float) -> ActiveTask:
    return ActiveTask(
        id=str(task.get("id"))[:MAX_TEXT],
        name=str(task.get("name"))[:MAX_TEXT],
        started_at=_time(task.get("time_start"), now),
    )


def _time(value: Any, now: float) -> float | None:
    """A time of the past; None for what is none, or too far in the future for a clock's skew."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return min(float(value), now) if 0 < value <= now + CLOCK_SKEW_SECONDS else None


def _count(value: Any) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if known else None

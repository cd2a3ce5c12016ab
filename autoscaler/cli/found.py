"""What `check --live` found: queues and who serves them, workers, full pools, Airflow's jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autoscaler.cli.table import YELLOW, Cell, table
from autoscaler.engine.wording import count, span
from autoscaler.model import (
    HEARTBEAT_SECONDS,
    AirflowQueue,
    AirflowState,
    JobKind,
    Tick,
    WorkerState,
)

Document = dict[str, Any]
MOST_ROWS = 20
QUEUES = ("queue", "fleet", "workers", "in broker", "queued", "running", "scheduled")
WORKERS = ("worker", "unit", "slots", "busy", "queues")
POOLS = ("full pool", "used", "slots", "waiting")
JOBS = ("process", "host", "heartbeat")


def found(tick: Tick, in_use: Iterable[str]) -> Document:
    """By subject, a list of rows each; what is not known is None. in_use: queues found."""
    airflows = tick.snapshot.airflows
    return {
        "airflow": [_airflow(name, state) for name, state in sorted(airflows.items())],
        "queues": [_queue(name, tick) for name in _names(tick, in_use)],
        "workers": [_worker(w, tick) for _, w in sorted(tick.snapshot.workers.items())],
        "full_pools": [
            {"pool": p.name, "used": p.used, "slots": p.slots, "waiting": p.waiting}
            for state in airflows.values()
            for p in state.pools.values()
            if p.slots is not None and (p.used >= p.slots or p.waiting)
        ],
        "jobs": [
            {
                "kind": job.kind.value,
                "host": job.hostname,
                "heartbeat_age_seconds": max(0.0, state.at - job.heartbeat_at),
            }
            for state in airflows.values()
            for job in state.jobs
        ],
    }


def found_lines(document: Document) -> Iterator[str]:
    """The same as tables, without those that would be empty; long ones are cut short."""
    for row in document["airflow"]:
        limit = "without limit" if row["parallelism"] is None else row["parallelism"]
        schedulers = count(row["schedulers"], "scheduler")
        yield f"Airflow {row['version']} ({row['source']}): {schedulers}, parallelism {limit}"
    subjects = (
        (QUEUES, document["queues"], _queue_cells),
        (WORKERS, document["workers"], _worker_cells),
        (POOLS, document["full_pools"], _pool_cells),
        (JOBS, document["jobs"], _job_cells),
    )
    for headers, rows, cells in subjects:
        if rows:
            yield ""
            yield table(headers, [cells(row) for row in rows[:MOST_ROWS]])
        if len(rows) > MOST_ROWS:
            yield f"and {len(rows) - MOST_ROWS} more: see --json"


def consumers(queue: str, tick: Tick) -> list[WorkerState]:
    """The workers that take tasks from this queue."""
    workers = tick.snapshot.workers.values()
    return [w for w in workers if w.queues is not None and queue in w.queues and not w.offline]


def server_of(queue: str, tick: Tick) -> str | None:
    """The fleet whose queue it is."""
    fleets = tick.fleets.items()
    return next((name for name, made in fleets if queue in made.snapshot.fleet.queues), None)


def unit_of(worker: str, tick: Tick) -> str | None:
    """The unit that this worker runs in; None for one that belongs to no fleet."""
    replicas = (each for made in tick.fleets.values() for each in made.snapshot.replicas)
    return next(
        (r.name for r in replicas if r.worker is not None and r.worker.name == worker), None
    )


def schedulers_alive(state: AirflowState) -> int:
    """How many schedulers gave a sign of life lately."""
    beats = (job.heartbeat_at for job in state.jobs if job.kind is JobKind.SCHEDULER)
    return sum(state.at - beat < HEARTBEAT_SECONDS for beat in beats)


def celery_queues(tick: Tick) -> dict[str, list[AirflowQueue]]:
    """What Airflow databases tell of Celery's queues, by name."""
    queues: dict[str, list[AirflowQueue]] = {}
    for state in tick.snapshot.airflows.values():
        for queue in state.queues.values():
            if queue.for_celery:
                queues.setdefault(queue.name, []).append(queue)
    return queues


def _names(tick: Tick, in_use: Iterable[str]) -> list[str]:
    served = (queue for made in tick.fleets.values() for queue in made.snapshot.fleet.queues)
    consumed = (queue for w in tick.snapshot.workers.values() for queue in w.queues or ())
    return sorted({*served, *consumed, *in_use, *celery_queues(tick)})


def _airflow(name: str, state: AirflowState) -> Document:
    return {
        "source": name,
        "version": state.version,
        "schedulers": schedulers_alive(state),
        "parallelism": state.parallelism,
    }


def _queue(name: str, tick: Tick) -> Document:
    told = celery_queues(tick).get(name, [])
    broker = tick.snapshot.queues.get(name)
    known = bool(tick.snapshot.airflows)
    return {
        "queue": name,
        "fleet": server_of(name, tick),
        "workers": len(consumers(name, tick)),
        "in_broker": broker.waiting if broker else None,
        "queued": sum(q.queued for q in told) if known else None,
        "running": sum(q.running + q.restarting for q in told) if known else None,
        "scheduled": sum(q.scheduled for q in told) if known else None,
    }


def _worker(worker: WorkerState, tick: Tick) -> Document:
    return {
        "worker": worker.name,
        "unit": unit_of(worker.name, tick),
        "slots": worker.slots,
        "busy": worker.busy,
        "queues": None if worker.queues is None else sorted(worker.queues),
    }


def _queue_cells(row: Document) -> list[Cell]:
    fleet: Cell = (YELLOW, "nobody") if row["fleet"] is None else str(row["fleet"])
    numbers = ("workers", "in_broker", "queued", "running", "scheduled")
    return [str(row["queue"]), fleet, *(_number(row[name]) for name in numbers)]


def _worker_cells(row: Document) -> list[Cell]:
    queues = "?" if row["queues"] is None else ", ".join(row["queues"]) or "none"
    unit: Cell = (YELLOW, "none of ours") if row["unit"] is None else str(row["unit"])
    return [str(row["worker"]), unit, _number(row["slots"]), _number(row["busy"]), queues]


def _pool_cells(row: Document) -> list[Cell]:
    return [str(row["pool"]), *(_number(row[name]) for name in ("used", "slots", "waiting"))]


def _job_cells(row: Document) -> list[Cell]:
    return [
        row["kind"].removesuffix("Job"),
        row["host"],
        f"{span(row['heartbeat_age_seconds'])} ago",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"

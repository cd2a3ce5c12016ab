"""One poll of the metadata database: all rows that a tick needs, as of one instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.exc import ProgrammingError

from autoscaler.clients.airflow import active_runs, queries
from autoscaler.clients.airflow.connection import Snapshot
from autoscaler.errors import SourceError

Rows = Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of each of the queries, with times by the database's clock.

    clock_skew_seconds: how far that is ahead of ours. lag_seconds: of a replica, None on a
    primary. nulls_first: whether the scheduler, too, gets rows without a date first. connections:
    that the server has, of those that it may have; None of a replica, and where it does not tell.
    """

    version: str
    limits_runs: bool
    nulls_first: bool
    clock_skew_seconds: float
    read_only: bool
    lag_seconds: float | None
    max_connections: int | None
    import_errors: int
    parsed_at: datetime | None
    with_executor: Rows
    scheduled: Rows
    pools: Rows
    jobs: Rows
    triggers: Rows
    hidden: Rows
    next_runs: Rows
    runs: active_runs.Rows
    connections: int | None


async def read(snapshot: Snapshot, clock: Callable[[], float], horizon_seconds: float) -> Reading:
    """Ask everything. clock: ours, in Unix seconds. Raises SourceError when it is too much."""
    schema, dialect = snapshot.schema, snapshot.dialect
    asked_at = clock()
    (vitals,) = await snapshot.rows(queries.vitals(schema, dialect))
    skew = float(vitals.now) - (asked_at + clock()) / 2
    until = datetime.fromtimestamp(float(vitals.now), UTC) + timedelta(seconds=horizon_seconds)
    hidden, replica = queries.hidden(schema), vitals.lag is not None
    return Reading(
        version=schema.version,
        limits_runs=schema.limits_runs,
        nulls_first=dialect.nulls_first,
        clock_skew_seconds=skew,
        read_only=bool(vitals.read_only),
        lag_seconds=None if vitals.lag is None else float(vitals.lag),
        max_connections=None if replica else _positive(vitals.max_connections),
        import_errors=vitals.import_errors,
        parsed_at=vitals.parsed_at,
        with_executor=await _not_too_many(snapshot, queries.with_executor(schema)),
        scheduled=await _not_too_many(snapshot, queries.scheduled(schema)),
        pools=await snapshot.rows(queries.pools(schema)),
        jobs=await snapshot.rows(queries.jobs(schema)),
        triggers=await snapshot.rows(queries.triggers(schema)),
        hidden=[] if hidden is None else await snapshot.rows(hidden),
        next_runs=await snapshot.rows(queries.next_runs(schema, until)),
        runs=await active_runs.active_runs(snapshot),
        connections=None if replica else await _connections(snapshot),
    )


async def _connections(snapshot: Snapshot) -> int | None:
    """None where this user may not know: that holds up nothing of what Airflow's tables tell.

    Asked last, as a refusal ends PostgreSQL's transaction.
    """
    try:
        (row,) = await snapshot.rows(snapshot.dialect.connections)
    except ProgrammingError:
        return None
    return _positive(row[-1])


def _positive(number: Any) -> int | None:
    """None for what cannot be: we are connected ourselves."""
    return int(number) if number is not None and int(number) > 0 else None


async def _not_too_many(snapshot: Snapshot, statement: Executable) -> Rows:
    rows = await snapshot.rows(statement)
    if len(rows) > queries.MAX_TASKS:
        raise SourceError(
            f"more than {queries.MAX_TASKS:,} task instances are scheduled, queued or running:"
            " too many to be counted in every tick"
        )
    return rows

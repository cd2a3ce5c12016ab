"""One poll of the metadata database: all rows that a tick needs, as of one instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Executable, Row

from autoscaler.clients.airflow import queries
from autoscaler.clients.airflow.connection import Snapshot
from autoscaler.errors import SourceError

Rows = Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of each of the queries, with times by the database's clock.

    clock_skew_seconds: how far that is ahead of ours. lag_seconds: of a replica, None on a
    primary. nulls_first: whether the scheduler, too, gets rows without a date first.
    """

    version: str
    limits_runs: bool
    nulls_first: bool
    clock_skew_seconds: float
    read_only: bool
    lag_seconds: float | None
    connections: int | None
    max_connections: int | None
    triggers: int
    import_errors: int
    with_executor: Rows
    scheduled: Rows
    pools: Rows
    jobs: Rows
    hidden: Rows
    next_runs: Rows


async def read(snapshot: Snapshot, clock: Callable[[], float], horizon_seconds: float) -> Reading:
    """Ask everything. clock: ours, in Unix seconds. Raises SourceError when it is too much."""
    schema, dialect = snapshot.schema, snapshot.dialect
    asked_at = clock()
    (vitals,) = await snapshot.rows(queries.vitals(schema, dialect))
    skew = float(vitals.now) - (asked_at + clock()) / 2
    until = datetime.fromtimestamp(float(vitals.now), UTC) + timedelta(seconds=horizon_seconds)
    hidden = queries.hidden(schema)
    return Reading(
        version=schema.version,
        limits_runs=schema.limits_runs,
        nulls_first=dialect.nulls_first,
        clock_skew_seconds=skew,
        read_only=bool(vitals.read_only),
        lag_seconds=None if vitals.lag is None else float(vitals.lag),
        connections=_whole(vitals.connections),
        max_connections=_whole(vitals.max_connections),
        triggers=vitals.triggers,
        import_errors=vitals.import_errors,
        with_executor=await _not_too_many(snapshot, queries.with_executor(schema)),
        scheduled=await _not_too_many(snapshot, queries.scheduled(schema)),
        pools=await snapshot.rows(queries.pools(schema)),
        jobs=await snapshot.rows(queries.jobs(schema)),
        hidden=[] if hidden is None else await snapshot.rows(hidden),
        next_runs=await snapshot.rows(queries.next_runs(schema, until)),
    )


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


async def _not_too_many(snapshot: Snapshot, statement: Executable) -> Rows:
    rows = await snapshot.rows(statement)
    if len(rows) > queries.MAX_TASKS:
        raise SourceError(
            f"more than {queries.MAX_TASKS:,} task instances are scheduled, queued or running:"
            " too many to be counted in every tick"
        )
    return rows

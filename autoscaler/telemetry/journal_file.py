"""The journal's SQLite file: opened, written, kept small, put aside when it is broken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from autoscaler.model import Alert, Footprint, Measured, Measurement, Outcome
from autoscaler.telemetry.documents import DecisionDocument
from autoscaler.telemetry.footprint_rows import footprints_of, row_of
from autoscaler.telemetry.journal_schema import TABLES, VERSION, script
from autoscaler.telemetry.record import DecisionRecord

BUSY_SECONDS = 2.0
PRUNE_EVERY_SECONDS = 600.0
MOST_CUTS = 50
SampleRow = tuple[float, str, int, int, int, int, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one tick adds to the journal."""

    at: float
    samples: tuple[SampleRow, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    alerts: tuple[Alert, ...] = ()
    measured: tuple[Measurement, ...] = ()
    learned: tuple[Footprint, ...] = ()


class JournalFile:
    """All its methods block and may raise sqlite3.Error or OSError; one thread writes at a time.

    keep_days, max_megabytes: what is older, and the oldest of what is too much, is deleted.
    """

    def __init__(self, path: Path, keep_days: float, max_megabytes: float) -> None:
        self._path = path
        self._keep_seconds = keep_days * 86_400
        self._max_bytes = int(max_megabytes * 1_000_000)
        self._connection: sqlite3.Connection | None = None
        self._pruned_at: float | None = None

    def write(self, entries: Iterable[Entry], now: float) -> None:
        """Add the entries in one transaction, and prune when it is time to."""
        connection = self._open(now)
        with connection:
            for entry in entries:
                _insert(connection, entry)
        if self._pruned_at is None or abs(now - self._pruned_at) >= PRUNE_EVERY_SECONDS:
            self._prune(connection, now)
            self._pruned_at = now

    def put_aside(self, now: float) -> Path:
        """Keep the broken file under another name, so that a new one can begin."""
        self.close()
        aside = self._path.with_name(f"{self._path.name}.broken-{int(now)}")
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return aside

    def decisions(self, fleet: str, limit: int, before: float | None) -> list[DecisionDocument]:
        """The fleet's decisions earlier than `before`, newest first."""
        where, values = ("", ()) if before is None else (" AND at < ?", (before,))
        return self._documents(where, (fleet, *values, limit))

    def decision_at(self, fleet: str, at: float) -> DecisionDocument | None:
        """The decision that held at that time."""
        found = self._documents(" AND at <= ?", (fleet, at, 1))
        return found[0] if found else None

    def measurements(self, limit: int) -> list[Measurement]:
        """The latest that were written, oldest first."""
        query = "SELECT kind, name, seconds, at FROM measurements ORDER BY at DESC LIMIT ?"
        rows = self._read(query, (limit,))
        return [Measurement(Measured(kind), *rest) for kind, *rest in reversed(rows)]

    def footprints(self, limit: int) -> list[Footprint]:
        """The latest learned, least lately first; what cannot be used is left out."""
        query = "SELECT source, dag, at, runs FROM footprints ORDER BY at DESC LIMIT ?"
        return list(footprints_of(reversed(self._read(query, (limit,)))))

    def close(self) -> None:
        """Give the file back. It may be written again, which opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _documents(self, where: str, values: tuple[object, ...]) -> list[DecisionDocument]:
        query = f"SELECT record FROM decisions WHERE fleet = ?{where} ORDER BY at DESC LIMIT ?"  # noqa: S608 - `where` is one of our own two texts
        return [json.loads(record) for (record,) in self._read(query, values)]

    def _read(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
            return connection.execute(query, values).fetchall()

    def _open(self, now: float) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, check_same_thread=False)
        self._connection = connection
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= VERSION:
            aside = self.put_aside(now)
            structlog.get_logger().warning(
                "journal of another version put aside", version=version, kept_as=str(aside)
            )
            return self._open(now)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        if version < VERSION:
            connection.executescript(script(version))
        return connection

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        _delete_before(connection, now - self._keep_seconds)
        for _ in range(MOST_CUTS):
            oldest = _oldest(connection)
            if oldest is None or _bytes(connection) <= self._max_bytes:
                break
            _delete_before(connection, oldest + max(1.0, (now - oldest) / 10))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def is_broken(error: BaseException) -> bool:
    """Whether the error says that the file is no database, or one that was damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _insert(connection: sqlite3.Connection, entry: Entry) -> None:
    _add(connection, "samples", entry.samples)
    _add(connection, "decisions", [_decision_row(record) for record in entry.decisions])
    _add(connection, "actions", [_action_row(outcome) for outcome in entry.outcomes])
    _add(connection, "alerts", [_alert_row(alert, entry.at) for alert in entry.alerts])
    rows = [(one.at, one.kind.value, one.name, one.seconds) for one in entry.measured]
    _add(connection, "measurements", rows)
    _add(connection, "footprints", map(row_of, entry.learned))


def _add(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)  # noqa: S608 - `table` is ours


def _decision_row(record: DecisionRecord) -> tuple[Any, ...]:
    decision = record.decision
    document = json.dumps(record.document(), separators=(",", ":"))
    numbers = (decision.current, decision.desired)
    return (decision.at, decision.fleet, *numbers, decision.reason, document)


def _action_row(outcome: Outcome) -> tuple[Any, ...]:
    action = outcome.action
    return (
        action.at,
        action.fleet,
        action.kind.value,
        action.unit,
        action.worker,
        action.fence.term,
        action.fence.sequence,
        outcome.result.value,
        action.reason,
        outcome.message,
    )


def _alert_row(alert: Alert, at: float) -> tuple[Any, ...]:
    finding = alert.finding
    labels = json.dumps(dict(finding.labels), sort_keys=True)
    return (at, finding.check, labels, alert.state.value, finding.severity.value, finding.summary)


def _delete_before(connection: sqlite3.Connection, at: float) -> None:
    with connection:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table} WHERE at < ?", (at,))  # noqa: S608 - `table` is ours
    connection.executescript("PRAGMA incremental_vacuum")  # execute() would free one page


def _oldest(connection: sqlite3.Connection) -> float | None:
    found = [
        connection.execute(f"SELECT min(at) FROM {table}").fetchone()[0]  # noqa: S608 - `table` is ours
        for table in TABLES
    ]
    return min((at for at in found if at is not None), default=None)


def _bytes(connection: sqlite3.Connection) -> int:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    return int(pages) * int(size)

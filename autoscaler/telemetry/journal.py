"""The daemon's own record of what it saw, decided and did; it never delays or stops a tick."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from pathlib import Path

import structlog

from autoscaler.engine.footprints import MOST_DAGS
from autoscaler.model import Alert, AlertState, FleetTick, Footprint, Measurement, Tick
from autoscaler.telemetry.documents import DecisionDocument
from autoscaler.telemetry.journal_file import Entry, JournalFile, SampleRow, is_broken
from autoscaler.telemetry.record import DecisionRecord, new_outcomes, same_story

Key = tuple[str, tuple[tuple[str, str], ...]]
MOST_WAITING = 256
MOST_LEARNED = 20_000
SAMPLE_EVERY_SECONDS = 15.0


class Journal:
    """Observes ticks, and writes them beside the loop.

    What cannot be written (disk full, no permission) is dropped and counted in `dropped`; `fault`
    says why, and is empty while all is well. A broken file is put aside and a new one begun.
    """

    def __init__(self, path: Path, keep_days: float = 30, max_megabytes: float = 512) -> None:
        self.fault = ""
        self.dropped = 0
        self._file = JournalFile(path, keep_days, max_megabytes)
        self._path = path
        self._log = structlog.get_logger()
        self._waiting: deque[Entry] = deque(maxlen=MOST_WAITING)
        self._wake = asyncio.Event()
        self._writing = threading.Lock()
        self._last: Tick | None = None
        self._sampled_at: float | None = None
        self._alert_states: dict[Key, AlertState] = {}

    def observe(self, tick: Tick) -> None:
        """Note what the tick adds; `run` writes it."""
        entry = self._entry(tick)
        self._last = tick
        if entry == Entry(entry.at):
            return
        if len(self._waiting) == MOST_WAITING:
            self.dropped += 1
        self._waiting.append(entry)
        self._wake.set()

    async def run(self) -> None:
        """Write what was observed, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.to_thread(self._flush)

    async def aclose(self) -> None:
        """Write what still waits and give the file back. May be called twice."""
        await asyncio.to_thread(self._flush, close=True)

    async def decisions(
        self, fleet: str, limit: int, before: float | None = None
    ) -> list[DecisionDocument]:
        """The fleet's decisions earlier than `before` (Unix seconds), newest first."""
        try:
            return await asyncio.to_thread(self._file.decisions, fleet, limit, before)
        except (sqlite3.Error, OSError):
            return []

    async def decision_at(self, fleet: str, at: float) -> DecisionDocument | None:
        """The decision that held at that time; None when it is not, or no longer, known."""
        try:
            return await asyncio.to_thread(self._file.decision_at, fleet, at)
        except (sqlite3.Error, OSError):
            return None

    async def measurements(self) -> list[Measurement]:
        """What was learned lately of how long things take, oldest first."""
        try:
            return await asyncio.to_thread(self._file.measurements, MOST_LEARNED)
        except (sqlite3.Error, OSError, ValueError):
            return []

    async def footprints(self) -> list[Footprint]:
        """What was learned of DAGs, least lately learned first."""
        try:
            return await asyncio.to_thread(self._file.footprints, MOST_DAGS)
        except (sqlite3.Error, OSError):
            return []

    def _entry(self, tick: Tick) -> Entry:
        now = tick.snapshot.now
        before = self._last.fleets if self._last else {}
        fleets = [(fleet, before.get(name)) for name, fleet in tick.fleets.items()]
        sampled = self._sampled_at
        due = sampled is None or abs(now - sampled) >= SAMPLE_EVERY_SECONDS
        if due:
            self._sampled_at = now
        return Entry(
            at=now,
            samples=tuple(_sample_row(fleet) for fleet, _ in fleets) if due else (),
            decisions=tuple(DecisionRecord.of(f) for f, old in fleets if not same_story(f, old)),
            outcomes=tuple(outcome for f, old in fleets for outcome in new_outcomes(f, old)),
            alerts=tuple(self._changed_alerts(tick)),
            measured=(*tick.measured, *(one for fleet, _ in fleets for one in fleet.measured)),
            learned=tick.learned,
        )

    def _changed_alerts(self, tick: Tick) -> list[Alert]:
        states = {alert.finding.key: alert.state for alert in tick.alerts}
        known, self._alert_states = self._alert_states, states
        return [alert for alert in tick.alerts if known.get(alert.finding.key) != alert.state]

    def _flush(self, *, close: bool = False) -> None:
        """In a thread of its own, one at a time."""
        with self._writing:
            entries = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if entries:
                self._write(entries)
            if close:
                self._file.close()

    def _write(self, entries: list[Entry]) -> None:
        now = entries[-1].at
        try:
            try:
                self._file.write(entries, now)
            except sqlite3.DatabaseError as error:
                if not is_broken(error):
                    raise
                aside = self._file.put_aside(now)
                self._log.error("journal broken", why=str(error), kept_as=str(aside))
                self._file.write(entries, now)
        except (sqlite3.Error, OSError) as error:
            self._fail(error, len(entries))
        else:
            if self.fault:
                self._log.info("journal recovered", path=str(self._path), dropped=self.dropped)
            self.fault = ""

    def _fail(self, error: Exception, entries: int) -> None:
        self.dropped += entries
        self._file.close()
        if not self.fault:
            self._log.error("journal cannot be written", path=str(self._path), why=str(error))
        self.fault = str(error)


def _sample_row(fleet: FleetTick) -> SampleRow:
    snapshot, decision = fleet.snapshot, fleet.decision
    known = {
        name: next((sample.value for sample in snapshot.samples.named(name)), None)
        for name in ("waiting_tasks", "running_tasks", "oldest_task_age_seconds")
    }
    return (
        snapshot.now,
        decision.fleet,
        decision.current,
        decision.desired,
        snapshot.ready,
        snapshot.draining,
        known["waiting_tasks"],
        known["running_tasks"],
        known["oldest_task_age_seconds"],
    )

"""Brings the records of units in line with the processes that there really are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import structlog

from autoscaler.clients.units import processes
from autoscaler.clients.units.command import UNIT_VARIABLE, WorkerCommand
from autoscaler.clients.units.directory import FleetRecord, UnitDirectory, UnitRecord
from autoscaler.clients.units.launches import FAST_EXIT_SECONDS, Launches
from autoscaler.clients.units.processes import Carrier
from autoscaler.clients.units.rules import NEVER
from autoscaler.model import UnitPhase

FAILED_SHOWN_SECONDS = 60.0


class Census:
    """Whoever takes it holds the directory's lock. Raises StateError or OSError."""

    def __init__(self, directory: UnitDirectory, command: WorkerCommand) -> None:
        self._directory = directory
        self._command = command
        self._log = structlog.get_logger(fleet=directory.fleet)
        self._searched = False

    def take(
        self, now: float, *, search: bool = False
    ) -> tuple[FleetRecord, dict[str, UnitRecord]]:
        """What there is by now. The first time, or on demand, every process is looked at."""
        processes.reap()
        before = self._directory.records()
        doubtful = any(record.phase is UnitPhase.PENDING for record in before.values())
        if search or doubtful or not self._searched:
            before = self._search(before, now)
        settled = {name: self._settle(record, now) for name, record in before.items()}
        records = {name: record for name, record in settled.items() if record is not None}
        fleet = self._directory.of_fleet()
        launches = _judge(fleet.launches, before, records, now)
        if launches != fleet.launches:
            fleet = replace(fleet, launches=launches)
            self._directory.save_fleet(fleet)
        return fleet, records

    def _search(self, records: Mapping[str, UnitRecord], now: float) -> dict[str, UnitRecord]:
        """With the processes that a crash, or the loss of our files, kept us from knowing."""
        found = dict(records)
        for carrier in processes.carriers(UNIT_VARIABLE):
            record = self._recognised(carrier, found, now)
            if record is not None:
                self._directory.save(record)
                found[record.name] = record
                self._log.warning("unit found again", unit=record.name, pid=carrier.process.pid)
        if not self._searched:
            self._tell_adopted(found)
        self._searched = True
        return found

    def _recognised(
        self, carrier: Carrier, records: Mapping[str, UnitRecord], now: float
    ) -> UnitRecord | None:
        """The unit that this process is the main one of, if no record knows that yet.

        What a worker started may carry its variable too, in a session of its own: the oldest is
        the worker, and without any record only one with the worker's own command is.
        """
        name, launch = self._directory.parse_key(carrier.value) or ("", NEVER)
        record = records.get(name)
        if record is not None:
            if record.process is not None or record.launch != launch:
                return None
            return replace(record, phase=UnitPhase.RUNNING, process=carrier.process)
        if not name or not self._command.started(name, carrier.command):
            return None
        return UnitRecord(
            fleet=self._directory.fleet,
            name=name,
            phase=UnitPhase.RUNNING,
            worker=self._command.worker(name),
            created_at=now,
            fence=NEVER,
            launch=launch,
            command=self._command.digest,
            process=carrier.process,
        )

    def _tell_adopted(self, records: Mapping[str, UnitRecord]) -> None:
        running = [r for r in records.values() if r.process and processes.alive(r.process)]
        older = [r.name for r in running if r.command != self._command.digest]
        if running:
            self._log.info("units adopted", units=[r.name for r in running], older_command=older)

    def _settle(self, record: UnitRecord, now: float) -> UnitRecord | None:
        if record.phase is UnitPhase.FAILED:
            age = now - (record.failed_at or 0.0)
            if 0 <= age < FAILED_SHOWN_SECONDS:
                return record
        elif record.process is None:
            self._log.warning("unit was not started", unit=record.name)
        elif processes.alive(record.process):
            return record
        else:
            return self._ended(record, processes.exit_code(record.process), now)
        self._directory.forget(record)
        return None

    def _ended(self, record: UnitRecord, code: int | None, now: float) -> UnitRecord | None:
        """A unit that was leaving is gone; any other has failed, and is shown so for a while."""
        tell = self._log.bind(
            unit=record.name, exit_code=code, ran_seconds=round(now - record.created_at, 1)
        )
        if record.phase is UnitPhase.TERMINATING or record.drain is not None:
            self._directory.forget(record)
            tell.info("unit gone")
            return None
        failed = replace(record, phase=UnitPhase.FAILED, failed_at=now, exit_code=code)
        self._directory.save(failed)
        tell.warning("unit ended by itself", log=str(self._directory.log(record.name)))
        return failed


def _judge(
    launches: Launches,
    before: Mapping[str, UnitRecord],
    after: Mapping[str, UnitRecord],
    now: float,
) -> Launches:
    """How launches go, by the units that have just failed and by those that last."""
    for record in after.values():
        if record.phase is UnitPhase.RUNNING:
            launches = launches.seen_running(record.created_at, now)
    failed = [record for record in after.values() if record.phase is UnitPhase.FAILED]
    news = [record for record in failed if before[record.name].phase is not UnitPhase.FAILED]
    fast = [record for record in news if now - record.created_at < FAST_EXIT_SECONDS]
    if not fast:
        return launches
    return launches.failed(now, f"{fast[-1].name} with exit code {fast[-1].exit_code}")

"""The units of one fleet on this machine: started, marked, told to stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from autoscaler.clients.units import processes, rules
from autoscaler.clients.units.census import Census
from autoscaler.clients.units.command import WorkerCommand
from autoscaler.clients.units.directory import NAME, FleetRecord, UnitDirectory, UnitRecord
from autoscaler.clients.units.launches import FAST_EXIT_SECONDS, Launches
from autoscaler.clients.units.rules import Applied
from autoscaler.errors import TargetError
from autoscaler.model import Action, Drain, Unit, UnitPhase


@dataclass(frozen=True, slots=True)
class StopRules:
    """How units are told to leave: by which signal, and after how long they are killed, if ever."""

    signal: int
    kill_after_seconds: float | None


class LocalUnits:
    """Blocks on files, so it is called in a thread. Raises TargetError, StateError or OSError.

    kills: how many units were killed by the operator's limit.
    """

    def __init__(
        self, directory: UnitDirectory, command: WorkerCommand, maximum: int, stop: StopRules
    ) -> None:
        self.kills = 0
        self._directory = directory
        self._command = command
        self._maximum = maximum
        self._stop = stop
        self._census = Census(directory, command)
        self._log = structlog.get_logger(fleet=directory.fleet)
        self._stopping_since: dict[str, float] = {}

    def observe(self, now: float, elapsed: float, *, kill: bool) -> tuple[Unit, ...]:
        """Every unit there is. `elapsed` is monotonic: a set clock must not shorten a limit.

        kill: whether those that outlived the operator's limit may be killed now.
        """
        with self._directory.locked():
            _, records = self._census.take(now)
            for name, waited_seconds in self._overdue(records, elapsed):
                if kill:
                    self._kill(records[name], waited_seconds)
            return tuple(_units(records).values())

    def add(self, actions: Sequence[Action], now: float) -> None:
        """Start a unit for each action whose unit does not run yet."""
        with self._directory.locked():
            fleet, records = self._census.take(now, search=True)
            applied = _applied(fleet, records)
            missing = rules.additions(actions, _units(records), applied, self._maximum)
            if missing:
                self._refuse_crash_loop(fleet.launches, now)
                self._note(fleet, missing, applied)
            for action in missing:
                self._start(action)

    def mark(self, action: Action, drain: Drain | None) -> None:
        """Write the unit's drain mark, or take it away."""
        with self._directory.locked():
            fleet, records = self._census.take(action.at)
            applied = _applied(fleet, records)
            rules.refuse_mark(action, _units(records), applied)
            self._note(fleet, [action], applied)
            record = records[action.unit]
            self._directory.save(replace(record, drain=drain, fence=action.fence))

    def remove(self, actions: Sequence[Action], now: float) -> None:
        """Send each marked unit the stop signal, once and to its main process only."""
        with self._directory.locked():
            fleet, records = self._census.take(now)
            applied = _applied(fleet, records)
            leaving = rules.removals(actions, _units(records), applied)
            if leaving:
                self._note(fleet, leaving, applied)
            for action in leaving:
                self._tell_to_stop(records[action.unit], action)

    def _note(self, fleet: FleetRecord, actions: Sequence[Action], applied: Applied) -> None:
        """Before the effects: from now on nothing older is done, whatever becomes of these."""
        fence = applied.with_all(actions)
        self._directory.save_fleet(replace(fleet, fence=fence))

    def _refuse_crash_loop(self, launches: Launches, now: float) -> None:
        wait = launches.wait_seconds(now)
        if wait > 0:
            raise TargetError(
                f"units of {self._directory.fleet} end within {FAST_EXIT_SECONDS:g} s of their "
                f"start, {launches.failures} times in a row, last {launches.last}: see its log in "
                f"{self._directory.path}; the next is tried in {wait:.0f} s"
            )

    def _start(self, action: Action) -> None:
        """The record first: a crash in between leaves a unit that is searched for, not forgotten.

        After a failure to write the second record the unit runs, and is found by the next read.
        """
        name, directory = action.unit, self._directory
        if not NAME.fullmatch(name):
            raise TargetError(f"{name!r} cannot be the name of a unit: it must fit {NAME.pattern}")
        try:
            env = self._command.environment(directory.key(name, action.fence))
        except ValueError as error:
            raise TargetError(f"the environment of {name} is incomplete: {error}") from error
        intent = self._intent(action)
        directory.save(intent)
        directory.rotate_log(name)
        arguments = self._command.arguments(name)
        try:
            process = processes.spawn(arguments, env, self._command.cwd, directory.log(name))
        except (OSError, ValueError) as error:
            directory.forget(intent)
            raise TargetError(
                f"{name} cannot be started: {error}; check command and cwd"
            ) from error
        directory.save(replace(intent, phase=UnitPhase.RUNNING, process=process))
        self._log.info("unit started", unit=name, pid=process.pid)

    def _intent(self, action: Action) -> UnitRecord:
        return UnitRecord(
            fleet=self._directory.fleet,
            name=action.unit,
            phase=UnitPhase.PENDING,
            worker=self._command.worker(action.unit),
            created_at=action.at,
            fence=action.fence,
            launch=action.fence,
            command=self._command.digest,
        )

    def _tell_to_stop(self, record: UnitRecord, action: Action) -> None:
        """The signal first: after a crash in between, the empty unit is removed once more."""
        if record.process is not None:
            processes.send_signal(record.process, self._stop.signal)
        stopping = replace(record, phase=UnitPhase.TERMINATING, fence=action.fence)
        self._directory.save(stopping)
        self._log.info("unit told to stop", unit=record.name)

    def _overdue(
        self, records: Mapping[str, UnitRecord], elapsed: float
    ) -> Iterator[tuple[str, float]]:
        """Units past the operator's limit, counted from when we first saw them told to stop."""
        limit = self._stop.kill_after_seconds
        stopping = [n for n, r in records.items() if r.phase is UnitPhase.TERMINATING]
        self._stopping_since = {n: self._stopping_since.get(n, elapsed) for n in stopping}
        for name, since in self._stopping_since.items():
            if limit is not None and elapsed - since >= limit:
                yield name, elapsed - since

    def _kill(self, record: UnitRecord, waited_seconds: float) -> None:
        if record.process is not None and processes.kill_session(record.process):
            self.kills += 1
            waited = round(waited_seconds, 1)
            self._log.error("unit killed", unit=record.name, waited_seconds=waited)


def _units(records: Mapping[str, UnitRecord]) -> dict[str, Unit]:
    return {name: record.unit for name, record in records.items()}


def _applied(fleet: FleetRecord, records: Mapping[str, UnitRecord]) -> Applied:
    return Applied(fleet.fence, {name: record.fence for name, record in records.items()})

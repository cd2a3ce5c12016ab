"""Checks of Airflow's own parts: those that must beat do, the database takes writes, DAGs load."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from autoscaler.engine.wording import count, span
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import (
    AirflowJob,
    AirflowState,
    ApiServerState,
    Finding,
    JobKind,
    Severity,
    Tick,
    Unchecked,
)

NAMES = {
    JobKind.SCHEDULER: "scheduler",
    JobKind.TRIGGERER: "triggerer",
    JobKind.DAG_PROCESSOR: "DAG processor",
}
HEALTHY = "healthy"


class AirflowJobSilentOptions(CheckOptions):
    """Options of airflow_job_silent."""

    severity: Severity = Field(
        default=Severity.CRITICAL,
        description="How soon somebody must look; one of several that still beat is a warning",
    )
    silent_seconds: float = Field(
        default=30, gt=0, description="Age of a heartbeat at which one counts as dead, as Airflow's"
    )
    forget_seconds: float = Field(
        default=600,
        gt=0,
        description="Age of a heartbeat at which one is forgotten if others of its kind beat",
    )


class AirflowJobSilent(Check[AirflowJobSilentOptions]):
    """A scheduler, triggerer or DAG processor has stopped beating, or no scheduler runs at all.

    One that was killed leaves a row that says running: Airflow clears that of a scheduler within
    minutes, those of others never. It counts no more once its successor on its host beats.
    """

    options_type = AirflowJobSilentOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from self.unread(tick, AirflowState)
        now = tick.snapshot.now
        for source, state in tick.snapshot.airflows.items():
            for kind in sorted({JobKind.SCHEDULER, *(job.kind for job in state.jobs)}):
                jobs = self._present([job for job in state.jobs if job.kind == kind], now)
                silent = [job for job in jobs if self._silent(job, now)]
                if silent or not jobs:
                    yield self._finding(source, kind, jobs, silent, now)

    def _present(self, jobs: list[AirflowJob], now: float) -> list[AirflowJob]:
        """Without the silent ones that others have followed, on their host or long ago."""
        beating = [job for job in jobs if not self._silent(job, now)]
        hosts = {job.hostname for job in beating}
        since = now - self.options.forget_seconds if beating else 0.0
        silent = [job for job in jobs if job not in beating and job.hostname not in hosts]
        return beating + [job for job in silent if job.heartbeat_at >= since]

    def _silent(self, job: AirflowJob, now: float) -> bool:
        return now - job.heartbeat_at > self.options.silent_seconds

    def _finding(
        self,
        source: str,
        kind: JobKind,
        jobs: list[AirflowJob],
        silent: list[AirflowJob],
        now: float,
    ) -> Finding:
        name = NAMES[kind]
        alone = len(silent) == len(jobs)
        ages = {f"silent_{job.hostname}": span(now - job.heartbeat_at) for job in silent}
        summary = f"No {name} of Airflow is running."
        if silent:
            which = f"Every {name}" if alone else f"{len(silent)} of {len(jobs)} {name}s"
            shortest = span(min(now - job.heartbeat_at for job in silent))
            summary = f"{which} of Airflow has been silent for {shortest} or longer."
        return Finding(
            check=self.context.name,
            severity=self.options.severity if alone else Severity.WARNING,
            summary=summary,
            labels={"source": source, "job": kind},
            evidence={"running": str(len(jobs)), **ages},
            remedy=f"See why the {name} stopped, and start it again.",
        )


class AirflowStandstillOptions(CheckOptions):
    """Options of what stops every task."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How soon somebody must look")


class AirflowReadOnly(Check[AirflowStandstillOptions]):
    """Airflow's database accepts no writes, so that no task can begin or end."""

    options_type = AirflowStandstillOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from self.unread(tick, AirflowState)
        for source, state in tick.snapshot.airflows.items():
            if state.read_only:
                yield Finding(
                    check=self.context.name,
                    severity=self.options.severity,
                    summary="Airflow's database accepts no writes: it is read-only.",
                    labels={"source": source},
                    evidence={"replica_lag_seconds": str(state.replica_lag_seconds)},
                    remedy=(
                        "Finish the failover, free its disk, or point the source at the primary. "
                        "Nothing is scaled meanwhile."
                    ),
                )


class AirflowImportErrors(Check[CheckOptions]):
    """DAG files that cannot be loaded, so that their runs do not come."""

    options_type = CheckOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        yield from self.unread(tick, AirflowState)
        for source, state in tick.snapshot.airflows.items():
            if state.import_errors:
                yield Finding(
                    check=self.context.name,
                    severity=self.options.severity,
                    summary=f"Airflow cannot load {count(state.import_errors, 'DAG file')}.",
                    labels={"source": source},
                    evidence={"import_errors": str(state.import_errors)},
                    remedy=(
                        "Read them on Airflow's front page, or with "
                        "`airflow dags list-import-errors`."
                    ),
                )


class AirflowApiUnwell(Check[AirflowStandstillOptions]):
    """The API server answers, and says that tasks cannot report or that its database is ill.

    That the database is down is told once, by `source_down`, where we cannot read it either.
    """

    options_type = AirflowStandstillOptions

    def find(self, tick: Tick) -> Iterator[Finding]:
        told = tick.snapshot.blind_to(AirflowState)
        for source, state in tick.snapshot.observations.items():
            if isinstance(state, ApiServerState) and (
                faults := list(_faults(state, database_told=told))
            ):
                yield Finding(
                    check=self.context.name,
                    severity=self.options.severity,
                    summary=f"Airflow's API server is not well: {' and '.join(faults)}.",
                    labels={"source": source},
                    evidence={part: str(status) for part, status in state.status.items()},
                    remedy=(
                        "Look at the API server's log. In Airflow 3 running tasks fail within half "
                        "a minute when they cannot report, so nothing is scaled meanwhile."
                    ),
                )


def _faults(state: ApiServerState, *, database_told: bool) -> Iterator[str]:
    if state.execution_api is False:
        yield "tasks cannot report to it"
    if state.status.get("metadatabase", HEALTHY) != HEALTHY and not database_told:
        yield "it cannot use its database"

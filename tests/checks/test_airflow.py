"""Checks of Airflow's own parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.checks.airflow import (
    AirflowApiUnwell,
    AirflowImportErrors,
    AirflowJobSilent,
    AirflowReadOnly,
)
from autoscaler.model import AirflowJob, AirflowState, ApiServerState, JobKind, Severity
from tests.checks.scene import look, make, scene
from tests.records import NOW

WELL = ApiServerState(NOW, "3.3.2", {"metadatabase": "healthy"}, 0.1, execution_api=True)


def beats(*jobs: tuple[JobKind, float]) -> AirflowState:
    """Airflow with jobs of these kinds, heard of so many seconds ago."""
    made = (AirflowJob(kind, f"host-{n}", NOW - age) for n, (kind, age) in enumerate(jobs))
    return AirflowState(NOW, "3.3.2", jobs=tuple(made))


def found(state: AirflowState, check: Any = AirflowJobSilent, **options: Any) -> list[Any]:
    return look(make(check, **options), scene(airflow=state))[0]


def test_all_is_well():
    jobs = beats((JobKind.SCHEDULER, 5), (JobKind.TRIGGERER, 30), (JobKind.DAG_PROCESSOR, 1))
    assert found(jobs) == []
    assert found(jobs, AirflowReadOnly) == []
    assert found(jobs, AirflowImportErrors) == []
    assert found(WELL, AirflowApiUnwell) == []


def test_no_scheduler_is_always_wrong_and_no_triggerer_need_not_be():
    [finding] = found(beats())
    assert finding.summary == "No scheduler of Airflow is running."
    assert finding.severity is Severity.CRITICAL
    assert finding.labels == {"source": "airflow", "job": "SchedulerJob"}


def test_silent_ones_are_told_by_kind_and_one_of_several_is_a_warning():
    jobs = beats((JobKind.SCHEDULER, 5), (JobKind.SCHEDULER, 47), (JobKind.TRIGGERER, 31))
    one, all_of_it = found(jobs)
    assert one.summary == "1 of 2 schedulers of Airflow has been silent for 47 s or longer."
    assert (one.severity, one.evidence) == (
        Severity.WARNING,
        {"running": "2", "silent_host-1": "47 s"},
    )
    assert all_of_it.summary == "Every triggerer of Airflow has been silent for 31 s or longer."
    assert all_of_it.severity is Severity.CRITICAL
    assert found(jobs, silent_seconds=60) == []


def test_one_that_was_followed_counts_no_more():
    """What is killed leaves its row behind, which nobody clears where it is no scheduler's."""
    followed = AirflowJob(JobKind.TRIGGERER, "host-1", NOW - 90)
    state = beats((JobKind.SCHEDULER, 5), (JobKind.TRIGGERER, 3), (JobKind.TRIGGERER, 601))
    assert found(state) == []
    assert found(replace(state, jobs=(*state.jobs, followed))) == []
    assert len(found(state, forget_seconds=700)) == 1
    assert len(found(beats((JobKind.SCHEDULER, 5), (JobKind.TRIGGERER, 601)))) == 1


@pytest.mark.parametrize(
    ("state", "check"),
    [
        (replace(beats(), read_only=True), AirflowReadOnly),
        (replace(WELL, execution_api=False), AirflowApiUnwell),
    ],
)
def test_what_stops_every_task_is_critical_unless_told_otherwise(state, check):
    [finding], [softer] = found(state, check), found(state, check, severity="warning")
    assert (finding.severity, softer.severity) == (Severity.CRITICAL, Severity.WARNING)


def test_a_database_that_takes_no_writes():
    [finding] = found(replace(beats(), read_only=True), AirflowReadOnly)
    assert finding.summary == "Airflow's database accepts no writes: it is read-only."


def test_dags_that_cannot_be_loaded():
    [finding] = found(replace(beats(), import_errors=2), AirflowImportErrors)
    assert finding.summary == "Airflow cannot load 2 DAG files."


@pytest.mark.parametrize(
    ("state", "summary"),
    [
        ({"execution_api": False}, "tasks cannot report to it"),
        ({"status": {"metadatabase": "unhealthy"}}, "it cannot use its database"),
    ],
)
def test_an_api_server_that_is_not_well(state: dict[str, Any], summary: str):
    [finding] = found(replace(WELL, **{"status": {"scheduler": None}, **state}), AirflowApiUnwell)
    assert finding.summary == f"Airflow's API server is not well: {summary}."


def test_a_database_that_we_cannot_read_either_is_told_of_once():
    ill = replace(WELL, status={"metadatabase": "unhealthy"})
    tick = scene(airflow=beats(), api=ill, missing={"airflow": "connection refused"})
    assert look(make(AirflowApiUnwell), tick) == ([], [])


@pytest.mark.parametrize("check", [AirflowJobSilent, AirflowReadOnly, AirflowImportErrors])
def test_what_was_not_read_is_not_judged(check: Any):
    tick = scene(airflow=beats(), missing={"airflow": "connection refused"})
    findings, [unchecked] = look(make(check), tick)
    assert findings == []
    assert (unchecked.reason, unchecked.labels) == ("connection refused", {"source": "airflow"})

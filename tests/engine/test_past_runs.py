"""What DAG runs of unknown structure will want, by what the last ones used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.engine.footprints import Footprints
from autoscaler.engine.foresight import foresee
from autoscaler.engine.outlook import Outlook
from autoscaler.engine.profiles import Profiles
from autoscaler.model import FinishedRun, FinishedTask, NextRun, Snapshot
from tests.engine.test_foresight import CELERY, FANNED, airflow, running, view
from tests.records import NOW


def learned(*widths, dag_id="etl"):
    """Runs of a DAG that are over: a task of 60 s, then so many at once of 300 s."""
    return Footprints().after(
        "airflow",
        [
            FinishedRun(
                dag_id,
                f"r{number}",
                100.0 * number,
                (
                    FinishedTask("default", CELERY, 100.0 * number, 60.0),
                    *[FinishedTask("default", CELERY, 100.0 * number + 62, 300.0)] * width,
                ),
            )
            for number, width in enumerate(widths)
        ],
        NOW,
    )[0]


def by_the_past(state, footprints, **of_view):
    """The forecast where only the last runs of DAGs are known."""
    outlook = Outlook(footprints=footprints)
    found = foresee(
        {"f": view(airflow="airflow", **of_view)},
        {},
        Snapshot(NOW, {"airflow": replace(state, structures=())}),
        outlook,
        Profiles(),
    )
    return found["f"][1].forecast


def test_without_structure_a_run_goes_as_those_before_it():
    due = airflow(next_runs=(NextRun("etl", NOW),))
    assert by_the_past(due, learned(20)).expected == pytest.approx((4 * 20 + 2 * 1) / 6)
    at_work = airflow(runs=(FANNED,), tasks=(running(since=40),))
    began = replace(FANNED, started_at=NOW - 40)
    assert by_the_past(replace(at_work, runs=(began,)), learned(20), running=1).expected == 19
    assert by_the_past(replace(at_work, runs=()), learned(20, 20), running=1).expected == 19
    assert by_the_past(at_work, Footprints(), running=1).expected == 0


def test_a_run_that_is_later_than_those_before_it_has_at_least_what_it_has():
    tasks = (running("a", since=900), running("b", since=900))
    late = airflow(runs=(replace(FANNED, started_at=NOW - 900),), tasks=tasks)
    assert by_the_past(late, learned(20), running=1).expected == 1


def test_what_other_executors_run_is_no_work_of_ours():
    elsewhere = replace(running(), executor="LocalExecutor")
    assert by_the_past(airflow(tasks=(elsewhere,)), Footprints()).expected == 0

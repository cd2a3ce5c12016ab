"""What the journal keeps of DAGs' footprints, also one that an older version began."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autoscaler.engine.footprints import GRID, Footprints
from autoscaler.model import FinishedRun, FinishedTask, Footprint
from autoscaler.telemetry.journal import Journal
from autoscaler.telemetry.journal_schema import ADDED, VERSION
from tests.records import NOW
from tests.telemetry.journals import DAY, at, rows, size, written


def learned(*dags: str, now: float = NOW) -> tuple[Footprint, ...]:
    tasks = tuple(FinishedTask("us", "CeleryExecutor", now + n, 60 * n) for n in range(4))
    runs = [FinishedRun(dag, f"{dag}-{now}", now, tasks) for dag in dags]
    return Footprints().after("airflow", runs, now)[1]


async def test_footprints_outlive_the_daemon_the_latest_of_each_dag(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    journal = Journal(path)
    assert await journal.footprints() == []
    old, new = learned("etl", "daily"), learned("etl", now=NOW + 5)
    for seconds, footprints in ((0, old), (5, new)):
        journal.observe(replace(at(seconds), learned=footprints))
    await journal.aclose()
    restored = await Journal(path).footprints()
    assert restored == [old[1], new[0]]
    assert restored[1].runs[0].curves[0].offsets[0] is GRID[0]
    assert rows(path, "SELECT count(*) FROM footprints") == [(2,)]


@pytest.mark.parametrize(
    "runs",
    [
        "[]",
        "{",
        "3",
        "[[1]]",
        '[["r", 0, [[1]]]]',
        '[["r", 0, [["us", "C", [0, 3], [1, 0]]]]]',
        '[["r", 0, [["us", "C", [0], []]]]]',
    ],
)
async def test_a_footprint_that_makes_no_sense_is_left_out(tmp_path: Path, runs: str) -> None:
    path = tmp_path / "j.db"
    await written(path, replace(at(0), learned=learned("etl", "daily")))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE footprints SET runs = ? WHERE dag = 'etl'", (runs,))
    assert [each.dag_id for each in await Journal(path).footprints()] == ["daily"]


@pytest.mark.parametrize("version", range(VERSION))
async def test_an_older_journal_keeps_what_it_holds(tmp_path: Path, version: int) -> None:
    path = tmp_path / "j.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("".join(ADDED[:version]) + f"PRAGMA user_version = {version}")
        if version > 0:
            connection.execute(
                "INSERT INTO alerts VALUES (?, 'a', '{}', 'firing', 'x', 'y')", (NOW,)
            )
        if version > 1:
            connection.execute("INSERT INTO measurements VALUES (?, 'task', 't', 9)", (NOW,))
        connection.commit()
    assert await Journal(path).footprints() == []
    with capture_logs() as log:
        journal = await written(path, replace(at(5), learned=learned("etl")))
    assert log == []
    assert rows(path, "PRAGMA user_version") == [(VERSION,)]
    assert len(rows(path, "SELECT * FROM alerts")) == min(version, 1)
    assert len(await journal.measurements()) == (version > 1)
    assert len(await journal.footprints()) == 1


async def test_old_footprints_are_deleted_too(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    first = replace(at(0), learned=learned("gone"))
    last = replace(at(9 * DAY), learned=learned("etl", now=NOW + 9 * DAY))
    journal = await written(path, first, last, keep_days=3)
    assert [each.dag_id for each in await journal.footprints()] == ["etl"]


async def test_they_stay_within_the_size_of_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    ticks = []
    for number in range(40):
        dags = [f"dag{number}-{each}" for each in range(100)]
        seconds = 700.0 * number
        ticks.append(replace(at(seconds), learned=learned(*dags, now=NOW + seconds)))
    journal = await written(path, *ticks, max_megabytes=0.2)
    kept = [each.dag_id for each in await journal.footprints()]
    assert size(path) <= 200_000
    assert 100 <= len(kept) < 4_000
    assert kept[-1].startswith("dag39-")

"""The journal: bounded, outliving its faults, and never in the way of a tick."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from autoscaler.model import (
    Alert,
    AlertState,
    Finding,
    Measured,
    Measurement,
    Result,
    Severity,
)
from autoscaler.telemetry.journal import MOST_WAITING, Journal
from autoscaler.telemetry.journal_file import JournalFile
from tests.records import NOW, seen
from tests.servers import eventually
from tests.telemetry.journals import DAY, at, rows, size, written
from tests.ticks import outcome, tick, turn


async def newest_is(journal: Journal, desired: int) -> bool:
    newest = await journal.decisions("default", 1)
    return bool(newest) and newest[0]["desired"] == desired


@asynccontextmanager
async def running(journal: Journal) -> AsyncIterator[Journal]:
    """The journal with its writer beside it, both ended afterwards."""
    writer = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        await journal.aclose()


async def test_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "var" / "journal.db"
    alert = Alert(Finding("worker_silent", Severity.WARNING, "w1 is silent"), AlertState.FIRING, 0)
    failed = outcome(result=Result.FAILED, message="quota")
    first = replace(at(0, outcomes=(failed,)), alerts=(alert,))
    second = replace(at(5, outcomes=(failed,)), alerts=(alert,))
    await written(path, first, second, at(15, 4))
    samples = rows(path, "SELECT at, current, desired, ready, waiting, running FROM samples")
    assert samples == [(NOW, 3, 3, 3, 30.0, 8.0), (NOW + 15, 3, 4, 3, 30.0, 8.0)]
    assert rows(path, "SELECT at, desired, reason FROM decisions") == [
        (NOW, 3, "Asked"),
        (NOW + 15, 4, "Asked"),
    ]
    assert rows(path, "SELECT kind, unit, term, sequence, result, message FROM actions") == [
        ("add", "default-3", 1, 7, "failed", "quota")
    ]
    assert rows(path, "SELECT name, state, severity FROM alerts") == [
        ("worker_silent", "firing", "warning")
    ]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


async def test_what_it_can_be_asked(tmp_path: Path) -> None:
    journal = await written(tmp_path / "j.db", *(at(10.0 * n, n) for n in range(1, 6)))
    newest = await journal.decisions("default", 2)
    assert [document["desired"] for document in newest] == [5, 4]
    older = await journal.decisions("default", 10, before=NOW + 30)
    assert [document["desired"] for document in older] == [2, 1]
    held = await journal.decision_at("default", NOW + 39)
    assert held is not None
    assert held["desired"] == 3
    assert held["explanation"]["why"][0].startswith("target_tracking asks for 3")
    assert await journal.decision_at("default", NOW) is None
    assert await journal.decisions("other", 10) == []


async def test_the_writer_writes_beside_the_loop(tmp_path: Path) -> None:
    async with running(Journal(tmp_path / "j.db")) as journal:
        for desired in (1, 2):
            journal.observe(at(20.0 * desired, desired))
            assert await eventually(partial(newest_is, journal, desired), f"{desired} is written")
        assert not journal.fault
    assert journal.dropped == 0


async def test_a_journal_that_nobody_writes_drops_the_oldest(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    for number in range(MOST_WAITING + 3):
        journal.observe(at(5.0 * number, number))
    assert journal.dropped == 3
    await journal.aclose()
    assert rows(tmp_path / "j.db", "SELECT min(desired), count(*) FROM decisions") == [
        (3, MOST_WAITING)
    ]


@pytest.mark.parametrize("damage", ["no database", "torn pages"])
async def test_a_broken_file_is_put_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "j.db"
    if damage == "no database":
        path.write_bytes(b"this is not a database, whatever its name says" * 100)
    else:
        await written(path, *(at(20.0 * n, n) for n in range(200)))
        healthy = path.read_bytes()
        path.write_bytes(healthy[:4096] + b"\xff" * (len(healthy) - 4096))
    with capture_logs() as log:
        journal = await written(path, at(DAY, 9))
    assert [event["event"] for event in log] == ["journal broken"]
    assert size(Path(log[0]["kept_as"])) > 0
    assert (journal.fault, journal.dropped) == ("", 0)
    assert [d["desired"] for d in await journal.decisions("default", 9)] == [9]


async def test_a_journal_of_another_version_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with capture_logs() as log:
        journal = await written(path, at(0))
    assert log[0]["version"] == 99
    assert len(await journal.decisions("default", 9)) == 1


async def test_a_full_disk_is_told_once_and_outlived(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.mkdir()  # what SQLite cannot open stands for what it cannot write
    journal = Journal(path)
    with capture_logs() as log:
        for number in range(3):
            journal.observe(at(20.0 * number, number))
            await journal.aclose()
        assert journal.dropped == 3
        assert "unable to open" in journal.fault
        assert await journal.decisions("default", 1) == []
        assert await journal.decision_at("default", NOW) is None
        path.rmdir()
        journal.observe(at(100, 7))
        await journal.aclose()
    assert [event["event"] for event in log] == [
        "journal cannot be written",
        "journal recovered",
    ]
    assert journal.fault == ""
    assert [d["desired"] for d in await journal.decisions("default", 9)] == [7]


async def test_what_is_too_old_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    days = [at(DAY * n, n) for n in range(10)]
    await written(path, *days, keep_days=3)
    kept = [row[0] for row in rows(path, "SELECT desired FROM decisions ORDER BY at")]
    assert kept == [6, 7, 8, 9]
    assert rows(path, "SELECT count(*) FROM samples") == [(4,)]


async def test_it_stays_within_its_size(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    journal = Journal(path, max_megabytes=0.3)
    for number in range(2_000):
        journal.observe(at(60.0 * number, number))
        if number % 200 == 199:
            await journal.aclose()
    newest = await journal.decisions("default", 1)
    assert size(path) <= 300_000
    assert newest[0]["desired"] == 1_999
    assert len(await journal.decisions("default", 1_000)) > 100, "it keeps what it has room for"
    assert journal.dropped == 0


async def test_what_was_learned_is_told_oldest_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    assert await journal.measurements() == []
    first = Measurement(Measured.TASK, "etl.load", 12.5, NOW)
    second = Measurement(Measured.START, "default", 8.0, NOW + 5)
    journal.observe(at(0, measured=(first,)))
    journal.observe(at(5, measured=(second,)))
    await journal.aclose()
    assert await journal.measurements() == [first, second]


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j.db", 1, 1)
    file.write([], NOW)
    file.close()
    file.close()
    assert file.decisions("default", 1, None) == []


async def test_nothing_secret_is_written(tmp_path: Path) -> None:
    blind = seen(missing={"broker": "cannot reach redis://u:canary@b/0"})
    await written(tmp_path / "j.db", tick(turn(3, snapshot=blind)))
    assert b"canary" not in (tmp_path / "j.db").read_bytes()

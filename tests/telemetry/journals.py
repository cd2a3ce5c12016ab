"""Ticks for journals, and what is in them then."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from autoscaler.model import Tick
from autoscaler.telemetry.journal import Journal
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, tick, turn

DAY = 86_400.0


def at(seconds: float, desired: int = 3, **more: Any) -> Tick:
    """A tick so many seconds after NOW in which the fleet should have `desired` replicas."""
    replicas = [replica(f"default-{n}") for n in range(3)]
    snapshot = seen(*replicas, now=NOW + seconds, samples=SAMPLES)
    return tick(turn(desired, snapshot=snapshot, **more), now=NOW + seconds)


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def size(path: Path) -> int:
    return path.stat().st_size


async def written(path: Path, *ticks: Tick, **bounds: Any) -> Journal:
    journal = Journal(path, **bounds)
    for each in ticks:
        journal.observe(each)
        await journal.aclose()
    return journal

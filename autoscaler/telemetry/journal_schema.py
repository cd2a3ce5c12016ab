"""The journal's tables, version by version: what each adds to the one before."""

from __future__ import annotations

TABLES = ("samples", "decisions", "actions", "alerts", "measurements", "footprints")
ADDED = (
    """
CREATE TABLE samples (at REAL, fleet TEXT, current INTEGER, desired INTEGER, ready INTEGER,
    draining INTEGER, waiting REAL, running REAL, oldest_age_seconds REAL);
CREATE TABLE decisions (at REAL, fleet TEXT, current INTEGER, desired INTEGER, reason TEXT,
    record TEXT);
CREATE TABLE actions (at REAL, fleet TEXT, kind TEXT, unit TEXT, worker TEXT, term INTEGER,
    sequence INTEGER, result TEXT, reason TEXT, message TEXT);
CREATE TABLE alerts (at REAL, name TEXT, labels TEXT, state TEXT, severity TEXT, summary TEXT);
CREATE INDEX samples_at ON samples (at);
CREATE INDEX decisions_at ON decisions (at);
CREATE INDEX decisions_of_fleet ON decisions (fleet, at);
CREATE INDEX actions_at ON actions (at);
CREATE INDEX alerts_at ON alerts (at);
""",
    """
CREATE TABLE measurements (at REAL, kind TEXT, name TEXT, seconds REAL);
CREATE INDEX measurements_at ON measurements (at);
""",
    """
CREATE TABLE footprints (source TEXT, dag TEXT, at REAL, runs TEXT, PRIMARY KEY (source, dag));
CREATE INDEX footprints_at ON footprints (at);
""",
)
VERSION = len(ADDED)


def script(version: int) -> str:
    """What makes a journal of this version (0: an empty file) one of ours, all or nothing."""
    added = "".join(ADDED[version:])
    return f"BEGIN; {added} PRAGMA user_version = {VERSION}; COMMIT;"

"""Which Airflow a database holds, by its columns; on real ones this is in tests/sources."""

import importlib
import sys

import pytest

import autoscaler.clients.airflow
from autoscaler.clients.airflow.schema import (
    READ,
    READ_WHERE_PRESENT,
    UnknownSchemaError,
    present_columns,
)


def without(columns, *names):
    gone = {tuple(name.split(".")) for name in names}
    return {
        table: frozenset(c for c in there if (table, c) not in gone)
        for table, there in columns.items()
    }


@pytest.mark.parametrize("major", [2, 3])
def test_a_known_airflow_with_columns_of_no_interest(major):
    found = {table: columns | {"more"} for table, columns in READ[major].items()}
    assert present_columns({**found, "xcom": frozenset({"value"})}) == READ[major]


def test_what_not_every_version_has_is_read_where_it_is_whole():
    found = {**READ[3], "callback": frozenset({"type", "state"})}
    found["dag"] |= {"exceeds_max_non_backfill"}
    found["connection_test_request"] = READ_WHERE_PRESENT["connection_test_request"]
    present = present_columns(found)
    assert "callback" not in present
    assert present["dag"] == found["dag"]
    assert present["connection_test_request"] == {"executor", "queue", "state"}


@pytest.mark.parametrize(
    ("major", "missing"),
    [
        (3, ["dag.is_stale", "task_instance.queue", "task_instance.scheduled_dttm"]),
        (2, ["dag.is_active", "dag_run.run_type", "task_instance.executor"]),
        (3, ["dag_run.logical_date"]),
    ],
)
def test_everything_that_is_missing_is_named(major, missing):
    with pytest.raises(UnknownSchemaError) as raised:
        present_columns(without(READ[major], *missing))
    assert f"by this user: {', '.join(missing)}. Known are" in str(raised.value)
    assert "2.11 and 3.0 to 3.3" in str(raised.value)


def test_nothing_at_all():
    with pytest.raises(UnknownSchemaError, match="no table of Airflow"):
        present_columns({})


def test_without_its_libraries_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(
        ImportError, match=r"asyncpg is missing: pip install 'autoscaler\[airflow\]"
    ):
        importlib.reload(autoscaler.clients.airflow)

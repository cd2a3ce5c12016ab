"""What is read out of quantities, queries, cron expressions and names of workloads."""

from __future__ import annotations

import pytest

from autoscaler.convert.airflow_query import AirflowQuery, recognized
from autoscaler.convert.cron import window_seconds
from autoscaler.convert.workload import fleet_name
from autoscaler.quantity import parse_quantity

HOUR = 3600


@pytest.mark.parametrize(
    ("text", "number"),
    [("10", 10), ("500m", 0.5), ("2Gi", 2**31), ("1e3", 1000), ("1.5k", 1500), ("100n", 1e-7)],
)
def test_quantity(text, number):
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "m", "3 apples", "1e999", "--1", "1Kb", "0x10", "NaN"])
def test_no_quantity(text):
    with pytest.raises(ValueError, match="must be a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (
            "SELECT ceil(COUNT(*)::decimal / 16) FROM task_instance WHERE queue IN ('a','b')",
            AirflowQuery("task_instance", ("a", "b"), 16),
        ),
        (
            "select count(*) from af.task_instance where queue = 'a' and queue != 'kubernetes'",
            AirflowQuery("task_instance", ("a",), None),
        ),
        ('SELECT COUNT(*)/1000 FROM "trigger"', AirflowQuery("trigger", (), 1000)),
        ("SELECT 1 / 0 FROM task_instance", AirflowQuery("task_instance", (), None)),
        ("SELECT count(*) FROM task_instance_history", None),
        ("SELECT count(*) FROM orders", None),
    ],
)
def test_airflow_query(query, found):
    assert recognized(query) == found


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("0 8 * * 1-5", "0 18 * * 1-5", {10}),
        ("0 22 * * *", "0 6 * * *", {8}),
        ("0 8,20 * * *", "0 10,23 * * *", {2, 3}),
        ("0 0 1 * *", "0 0 2 * *", {24}),
        ("0 0 * * 6", "0 0 * * 1", {48}),
    ],
)
def test_windows(start, end, hours):
    assert window_seconds(start, end) == {each * HOUR for each in hours}


@pytest.mark.parametrize(
    ("workload", "name"),
    [("web", "web"), ("My.App", "my-app"), ("-x-", "x"), ("é", "workers"), ("a" * 80, "a" * 63)],
)
def test_fleet_name(workload, name):
    assert fleet_name(workload) == name

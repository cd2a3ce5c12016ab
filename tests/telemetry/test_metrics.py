"""The metrics: exactly the held names and labels, and nothing that is not known."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from autoscaler.model import (
    AirflowDemand,
    Alert,
    AlertState,
    Block,
    Blocker,
    Bottleneck,
    Finding,
    Result,
    Severity,
    StartUp,
    Tick,
)
from autoscaler.telemetry.journal import Journal
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.recent import Recent
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, asks, outcome, tick, turn

HELD = {
    "autoscaler_desired_replicas": ("fleet",),
    "autoscaler_current_replicas": ("fleet",),
    "autoscaler_ready_replicas": ("fleet",),
    "autoscaler_draining_replicas": ("fleet",),
    "autoscaler_queue_depth": ("queue",),
    "autoscaler_oldest_task_age_seconds": ("queue",),
    "autoscaler_demand_tasks": ("fleet", "kind"),
    "autoscaler_verdict": ("fleet", "verdict"),
    "autoscaler_reconciliations_total": ("fleet", "result"),
    "autoscaler_reconcile_duration_seconds_count": (),
    "autoscaler_source_up": ("source",),
    "autoscaler_source_age_seconds": ("source",),
    "autoscaler_tasks_killed_total": ("cause", "fleet"),
    "autoscaler_alerts": ("alertname", "state"),
    "autoscaler_leader": (),
}
Series = dict[tuple[str, ...], float]


def scraped(metrics: Metrics) -> dict[str, Series]:
    """Every series by name, then by its label values in the order of the labels' names."""
    text = metrics.render()[0].decode()
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = tuple(sample.labels[label] for label in sorted(sample.labels))
            found.setdefault(sample.name, {})[key] = sample.value
    return found


def fed(*ticks: Tick) -> Metrics:
    """The metrics after these ticks."""
    recent = Recent()
    metrics = Metrics(recent)
    for each in ticks:
        recent(each)
        metrics(each)
    return metrics


def seen_by(*ticks: Tick) -> dict[str, Series]:
    return scraped(fed(*ticks))


def firing(state: AlertState) -> Alert:
    return Alert(Finding("worker_silent", Severity.WARNING, "w1 is silent"), state, NOW)


def exported() -> dict[str, tuple[str, ...]]:
    """Every series there is, with the names of its labels."""
    of_airflow = replace(seen(replica("a"), samples=SAMPLES), airflow=AirflowDemand(0))
    started = replace(of_airflow, start_up=StartUp(8, 20, 3))
    made = turn(3, snapshot=started, outcomes=(outcome(),))
    metrics = fed(tick(made, alerts=(firing(AlertState.FIRING),), known_dags={"airflow": 7}))
    labels: dict[str, tuple[str, ...]] = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        labels |= {sample.name: tuple(sorted(sample.labels)) for sample in family.samples}
    return {name: names for name, names in labels.items() if name.startswith("autoscaler_")}


def test_the_held_names_and_labels() -> None:
    found = exported()
    assert found | HELD == found


def test_the_docs_name_every_metric_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(autoscaler_\w+)(?:\{([\w,]+)\})?`", text, re.MULTILINE)
    documented = {name: tuple(sorted(filter(None, labels.split(",")))) for name, labels in rows}
    journal = {"autoscaler_journal_up": (), "autoscaler_journal_dropped_total": ()}
    one_of_histogram = re.compile(r"_(bucket|count|sum)$")
    series = {one_of_histogram.sub("", n): set(labels) - {"le"} for n, labels in exported().items()}
    assert documented == {n: tuple(sorted(labels)) for n, labels in series.items()} | journal


def test_the_values_of_one_tick() -> None:
    replicas = (replica("a"), replica("b", ready=False), replica("c", drained=True))
    made = turn(4, snapshot=seen(*replicas, samples=SAMPLES), outcomes=(outcome(),))
    found = seen_by(tick(made, alerts=(firing(AlertState.FIRING), firing(AlertState.RESOLVED))))
    one = ("default",)
    assert found["autoscaler_desired_replicas"][one] == 4
    assert found["autoscaler_current_replicas"][one] == 2
    assert found["autoscaler_ready_replicas"][one] == 1
    assert found["autoscaler_draining_replicas"][one] == 1
    assert found["autoscaler_queue_depth"][one] == 30
    assert found["autoscaler_oldest_task_age_seconds"][one] == 12.5
    assert found["autoscaler_demand_tasks"] == {
        ("default", "waiting"): 30,
        ("default", "running"): 8,
    }
    assert found["autoscaler_verdict"] == {
        ("default", "none"): 0,
        ("default", "workers"): 1,
        ("default", "capacity"): 0,
    }
    assert "autoscaler_blocked_tasks" not in found
    assert found["autoscaler_tasks_killed_total"]["scale_in", "default"] == 0
    assert found["autoscaler_actions_total"] == {("add", "default", "applied"): 1}
    assert found["autoscaler_alerts"] == {("worker_silent", "firing"): 1}
    assert found["autoscaler_leader"][()] == 1
    assert found["autoscaler_last_tick_timestamp_seconds"][()] == NOW


def test_what_was_learned() -> None:
    started = replace(seen(replica("a")), start_up=StartUp(8, 20, 3))
    found = seen_by(tick(turn(3, snapshot=started), known_dags={"airflow": 7}))
    quantiles = {("default", "0.5"): 8, ("default", "0.9"): 20}
    assert found["autoscaler_worker_start_seconds"] == quantiles
    assert found["autoscaler_known_dags"] == {("airflow",): 7}
    assert "autoscaler_worker_start_seconds" not in seen_by(tick())


def test_what_waits_for_else_than_workers_is_counted_by_blocker() -> None:
    pools = {Block(Blocker.POOL, name, 1, 1): 5 for name in ("a", "b")}
    demand = AirflowDemand(0, blocked={**pools, Block(Blocker.DAG_LIMIT, "etl", 2, 2): 3})
    of_airflow = seen(replica("a"), airflow="database")
    found = seen_by(tick(turn(3, snapshot=replace(of_airflow, airflow=demand))))
    assert {verdict for _, verdict in found["autoscaler_verdict"]} == set(Bottleneck)
    assert found["autoscaler_blocked_tasks"] == {
        ("pool", "default"): 10,
        ("dag_limit", "default"): 3,
        ("parallelism", "default"): 0,
    }


def test_counters_count_over_ticks() -> None:
    bug = turn(3, result=Result.FROZEN, error="I4")
    found = seen_by(tick(), tick(duration_seconds=0.3), tick(bug, bugs={"checks": "..."}))
    assert found["autoscaler_reconciliations_total"] == {
        ("default", "unchanged"): 2,
        ("default", "frozen"): 1,
    }
    assert found["autoscaler_bugs_total"][()] == 2
    assert found["autoscaler_reconcile_duration_seconds_count"][()] == 3
    buckets = found["autoscaler_reconcile_duration_seconds_bucket"]
    assert (buckets["0.025",], buckets["0.25",], buckets["0.5",]) == (2, 2, 3)
    assert buckets["+Inf",] == 3
    assert abs(found["autoscaler_reconcile_duration_seconds_sum"][()] - 0.34) < 1e-9


def test_what_is_not_known_has_no_series() -> None:
    blind = turn(
        3, snapshot=seen(missing={"target/default": "gone"}), recommendations=(asks(None),)
    )
    dark = tick(blind, missing={"workers": "timed out", "target/default": "gone"})
    found = seen_by(replace(dark, snapshot=replace(dark.snapshot, queues={})))
    assert found["autoscaler_desired_replicas"] == {("default",): 3}
    unknown = ("current_replicas", "queue_depth", "demand_tasks", "verdict")
    assert not any(f"autoscaler_{name}" in found for name in unknown)
    assert found["autoscaler_source_up"] == {("broker",): 1, ("workers",): 0}
    assert found["autoscaler_source_age_seconds"] == {("broker",): 0}


def test_a_source_that_went_away_ages() -> None:
    later = tick(now=NOW + 40, missing={"broker": "connection refused"})
    later = replace(later, snapshot=replace(later.snapshot, observations={}))
    found = seen_by(tick(), later)
    assert found["autoscaler_source_up"] == {("broker",): 0}
    assert found["autoscaler_source_age_seconds"] == {("broker",): 40}


def test_what_is_configured_no_more_loses_its_series() -> None:
    old = turn(3, snapshot=seen(name="old", queues=("old",)), outcomes=(outcome(fleet="old"),))
    reloaded = replace(tick(), snapshot=replace(tick().snapshot, observations={}))
    found = seen_by(tick(old), reloaded)
    labels = {value for series in found.values() for values in series for value in values}
    assert "old" not in labels
    assert "broker" not in labels


def test_killed_tasks_are_counted_by_cause() -> None:
    killed = turn(3, killed_tasks={"unknown": 2})
    found = seen_by(tick(killed), tick(killed))
    assert found["autoscaler_tasks_killed_total"] == {
        ("scale_in", "default"): 0,
        ("unknown", "default"): 4,
    }


def test_a_refused_reload_is_seen() -> None:
    metrics = fed(tick())
    assert scraped(metrics)["autoscaler_config_last_reload_successful"][()] == 1
    metrics.config_loaded = False
    assert scraped(metrics)["autoscaler_config_last_reload_successful"][()] == 0


async def test_the_journal_and_the_clock(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    metrics = Metrics(Recent(), journal, clock_jump=lambda: -3600.0)
    assert scraped(metrics)["autoscaler_journal_up"][()] == 1
    assert scraped(metrics)["autoscaler_clock_jump_seconds"][()] == -3600
    journal.observe(tick())
    await journal.aclose()
    found = scraped(metrics)
    assert found["autoscaler_journal_up"][()] == 0
    assert found["autoscaler_journal_dropped_total"][()] == 1


def test_series_stay_within_bounds_and_say_nothing_secret() -> None:
    fleets = {f"f{n}": turn(3, snapshot=seen(name=f"f{n}")) for n in range(1000)}
    metrics = fed(replace(tick(), fleets=fleets))
    body, content_type = metrics.render("application/openmetrics-text; version=1.0.0")
    assert "openmetrics" in content_type
    series = [line for line in body.decode().splitlines() if not line.startswith("#")]
    assert len(series) < 12_000
    blind = fed(tick(missing={"broker": "redis://u:canary@b/0"}))
    assert b"canary" not in blind.render()[0]

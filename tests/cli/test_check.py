"""`autoscaler check`: every fault, what a config amounts to, and one look at everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoscaler.cli import main
from tests.servers import free_port

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A right config, whose broker is down."""
    url = f"redis://:canary@127.0.0.1:{free_port()}/0"
    path = tmp_path / "autoscaler.yaml"
    path.write_text(
        f"""\
state_directory: {tmp_path / "state"}
journal: {{path: null}}
sources:
  broker: {{kind: redis_broker, url: "{url}"}}
  workers: {{kind: celery_workers, url: "{url}"}}
fleets:
  - name: default
    queues: [default]
    slots_per_replica: 4
    min_replicas: 2
    max_replicas: 10
    target: {{kind: simulated, initial_replicas: 3}}
  - name: beat
    queues: []
    max_replicas: 1
    target: {{kind: simulated}}
    policies: [{{kind: schedule, cron: "0 0 * * *", duration_seconds: 60, min_replicas: 1}}]
notifiers: [{{kind: log}}]
"""
    )
    return path


def test_a_right_config_is_summed_up(config: Path, capsys: Capture) -> None:
    assert main(["check", str(config)]) == 0
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    assert shown.startswith(f"{config} is right\n")
    assert ["default", "default", "2..10", "4", "simulated", "slo"] in rows
    assert ["beat", "-", "1..1", "measured", "simulated", "schedule"] in rows
    assert "sources    broker (redis_broker), workers (celery_workers)" in shown
    assert "notifiers  log" in shown
    assert "warning: sources.broker.url: a secret stands in the config" in shown
    assert "canary" not in shown


def test_every_fault_at_once(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("fleets: []\nintervall: 5\n")
    assert main(["check", "--config", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("error: ") >= 2
    assert main(["check", str(path), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["valid"] is False
    assert document["faults"][0].startswith(f"{path}:1: ")


def test_no_file_is_wrong_usage(capsys: Capture) -> None:
    assert main(["check"]) == 2
    assert "hint: autoscaler check autoscaler.yaml" in capsys.readouterr().err


def test_live_looks_at_everything_and_changes_nothing(
    config: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["check", str(config), "--live"]) == 1
    shown = capsys.readouterr().out
    assert "canary" not in shown
    broker = next(line for line in shown.splitlines() if line.startswith("broker "))
    assert "down" in broker
    assert "cannot be reached" in broker
    rows = [line.split() for line in shown.splitlines()]
    assert ["target/default", "simulated", "up", "3", "units"] in rows
    assert "default: 3 replicas wanted (3 present, 0 ready)." in shown
    assert "Source broker cannot be read" in shown
    assert not (tmp_path / "state").exists()
    assert main(["check", str(config), "--live", "--json"]) == 1
    live = json.loads(capsys.readouterr().out)["live"]
    assert {each["name"]: each["up"] for each in live["systems"]}["target/beat"] is True


def test_live_is_0_when_everything_can_be_read(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "autoscaler.yaml"
    path.write_text(
        f"state_directory: {tmp_path / 'state'}\nsources: {{}}\n"
        "fleets:\n- name: beat\n  queues: []\n  max_replicas: 1\n  target: {kind: simulated}\n"
        "  policies: [{kind: schedule, cron: '0 0 * * *', duration_seconds: 60, min_replicas: 1}]\n"
    )
    assert main(["check", str(path), "--live"]) == 0
    shown = capsys.readouterr().out
    assert "sources    none" in shown
    assert "notifiers  none: alerts are only shown" in shown

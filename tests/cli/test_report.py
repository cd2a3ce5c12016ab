"""`autoscaler report right-size`, against the real API."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from autoscaler.cli import main
from tests.cli.conftest import Daemon
from tests.ticks import tick, turn
from tests.web.test_right_size import WORKER

Capture = pytest.CaptureFixture[str]


def told(daemon: Daemon, *sizings: object) -> None:
    daemon.observe(tick(replace(turn(), sizings=sizings)))


def test_a_patch_below_its_reasons(daemon: Daemon, capsys: Capture) -> None:
    told(daemon, WORKER)
    assert main(["report", "right-size", "default"]) == 0
    shown = capsys.readouterr().out
    [container] = yaml.safe_load(shown)["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "1150m", "memory": "1150Mi"}
    header, row, *_ = (line for line in shown.splitlines() if line.startswith("#"))
    assert header.split()[1:3] == ["CONTAINER", "CPU"]
    assert row.split() == [
        *("#", "worker", "1000m", "1150m", "200Mi", "100Mi", "400Mi", "2/8", "1000Mi", "1150Mi")
    ]
    assert "NOT SURE: measured for 2.0 h" in shown
    assert "worker_concurrency" not in shown


def test_one_that_is_sure_and_what_fits(daemon: Daemon, capsys: Capture) -> None:
    told(daemon, replace(WORKER, sure=True))
    assert main(["report", "right-size", "default", "--memory", "2300Mi"]) == 0
    shown = capsys.readouterr().out
    assert "NOT SURE" not in shown
    assert "Into 2300Mi fit 18 slots (worker_concurrency)." in shown


def test_what_a_task_takes_may_be_unknown(daemon: Daemon, capsys: Capture) -> None:
    told(daemon, replace(WORKER, task_bytes=None, slots=None))
    assert main(["report", "right-size", "default", "--memory", "8Gi"]) == 0
    shown = capsys.readouterr().out
    assert "How many slots fit into 8Gi nobody knows" in shown
    assert "2/?" in shown


def test_as_json(daemon: Daemon, capsys: Capture) -> None:
    told(daemon, WORKER)
    assert main(["report", "right-size", "default", "--json", "--memory", "8Gi"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["containers"][0]["concurrency"] == 69
    assert document["patch"]["spec"]


def test_nothing_was_measured(daemon: Daemon, capsys: Capture) -> None:
    assert main(["report", "right-size", "default"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "were not measured for ten minutes yet" in shown.err
    assert "samples cpu and memory" in shown.err


@pytest.mark.parametrize("memory", ["lots", "8GiB", "1e999"])
def test_what_is_no_quantity(daemon: Daemon, capsys: Capture, memory: str) -> None:
    assert main(["report", "right-size", "default", "--memory", memory]) == 2
    assert "--memory must be a quantity such as" in capsys.readouterr().err

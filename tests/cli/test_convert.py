"""`autoscaler convert` as a shell runs it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler.cli import main

EXAMPLES = Path(__file__).parent.parent / "testdata" / "convert"


class Input(io.TextIOWrapper):
    """Standard input that holds these bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))


def test_yaml_and_exit_codes(capsys):
    assert main(["convert", str(EXAMPLES / "hpa.yaml")]) == 0
    assert "- name: airflow-worker" in capsys.readouterr().out
    assert main(["convert", str(EXAMPLES / "scaledobjects.yaml")]) == 1
    assert "no fleet: nothing of it could be translated" in capsys.readouterr().out


def test_json(capsys):
    assert main(["convert", str(EXAMPLES / "official-chart.yaml"), "--json", "-n", "etl"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["config"]["fleets"][0]["target"]["namespace"] == "etl"
    assert set(document["environment"]) == {
        "AUTOSCALER_BROKER_URL",
        "AUTOSCALER_AIRFLOW_DATABASE_URL",
    }
    assert {"kind", "path", "line", "message"} == set(document["objects"][0]["notes"][0])


def test_stdin(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Input((EXAMPLES / "hpa.yaml").read_bytes()))
    assert main(["convert", "-"]) == 0
    assert "(<stdin>:1)" in capsys.readouterr().out


def test_stdin_that_is_no_text(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Input(b"\xff\xfe"))
    assert main(["convert", "-"]) == 2
    assert "not UTF-8" in capsys.readouterr().err


def test_faults_name_file_and_line(capsys):
    path = EXAMPLES / "invalid" / "hpa_misspelt.yaml"
    assert main(["convert", str(path), "nowhere.yaml"]) == 2
    assert "error: nowhere.yaml:1: yaml: cannot be read" in capsys.readouterr().err
    assert main(["convert", str(path)]) == 2
    assert f"error: {path}:6: spec.maxReplica: " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hpa", "scaledobjects"])
def test_it_starts_without_what_is_slow_to_import(name):
    ran = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-m",
            "autoscaler",
            "convert",
            EXAMPLES / f"{name}.yaml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.split("|")[-1].strip() for line in ran.stderr.splitlines()}
    assert "yaml" in imported
    assert imported.isdisjoint({"pydantic", "aiohttp", "asyncio"})

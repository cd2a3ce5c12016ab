"""The command line as a whole: help that teaches, exit codes, and what is never imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler import __version__
from autoscaler.cli import main
from autoscaler.cli.commands import COMMANDS
from autoscaler.cli.failure import Exit
from autoscaler.errors import StateError
from tests.servers import free_port

HEAVY = ("aiohttp", "asyncio", "celery", "pydantic", "redis", "structlog", "yaml", "argcomplete")
CLIENT_COMMANDS = (
    ["status"],
    ["explain", "default"],
    ["pause", "default", "--reason", "r"],
    ["resume", "default"],
    ["scale", "default", "2", "--reason", "r"],
    ["drain", "default", "default-0", "--reason", "r"],
    ["--help"],
    ["status", "--help"],
)


def autoscaler(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a shell would."""
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "autoscaler", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_lists_every_command_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(f"\n    {name}" in shown for name in COMMANDS)
    assert "examples:" in shown
    assert "exit codes: 0 done" in shown


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_every_command_teaches(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"usage: autoscaler {name}" in shown
    assert "examples:" in shown
    assert f"  autoscaler {name}" in shown or f'"$(autoscaler {name}' in shown


def test_the_docs_name_every_command_and_exit_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert set(re.findall(r"^\| `(\w+)", text, re.MULTILINE)) == COMMANDS.keys()
    codes = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    assert {int(code) for code in codes} == set(Exit)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"autoscaler {__version__}\n"


@pytest.mark.parametrize("words", [[], ["nothing"], ["pause"], ["scale", "default", "many"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: autoscaler" in capsys.readouterr().err


@pytest.mark.parametrize("words", CLIENT_COMMANDS, ids=" ".join)
def test_client_commands_import_nothing_heavy(words: list[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = autoscaler(*words, AUTOSCALER_URL=url, AUTOSCALER_TOKEN="t")
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in ended.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "autoscaler" in imported
    assert imported.isdisjoint(HEAVY)
    assert ended.returncode == (0 if "--help" in words else 4)


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("autoscaler.cli.kinds.run", interrupted)
    assert main(["kinds"]) == 130


def test_what_goes_wrong_on_purpose_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def damaged(_: object) -> int:
        raise StateError("overrides.json is damaged")

    monkeypatch.setattr("autoscaler.cli.kinds.run", damaged)
    assert main(["kinds"]) == 1
    assert capsys.readouterr().err == "error: overrides.json is damaged\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "autoscaler", "completion", "bash"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_run_refuses_a_config_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "autoscaler.yaml"
    config.write_text("fleets: []\nintervall: 5\n")
    assert main(["run", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert f"error: {config}:1: fleets: must hold at least one fleet" in said
    assert f"error: {config}:2: intervall: unknown key" in said
    assert "hint: mend the lines named above, and try again" in said


def test_run_once_without_changing_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "autoscaler.yaml"
    config.write_text(
        f"journal: {{path: null}}\nstate_directory: {tmp_path / 'state'}\nsources: {{}}\n"
        "fleets:\n- name: default\n  queues: []\n  max_replicas: 3\n  target: {kind: simulated}\n"
        "  policies: [{kind: schedule, cron: '0 0 * * *', duration_seconds: 60, min_replicas: 2}]\n"
    )
    ended = autoscaler("run", "--config", str(config), "--once", "--dry-run")
    assert ended.returncode == 0
    assert '"event": "decided"' in ended.stderr

"""`autoscaler kinds`, `schema` and `completion`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from autoscaler import registry
from autoscaler.cli import main

Capture = pytest.CaptureFixture[str]


def test_everything_there_is(capsys: Capture) -> None:
    assert main(["kinds"]) == 0
    rows = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()[1:]]
    listed = {(kind, name) for kind, name, _ in rows}
    assert listed == {
        (plugin.__name__.lower(), name)
        for plugin, names in registry.KINDS.items()
        for name in names
    }


def test_one_type_only(capsys: Capture) -> None:
    main(["kinds", "target"])
    shown = capsys.readouterr().out
    assert "simulated" in shown
    assert "redis_broker" not in shown


def test_the_options_of_one(capsys: Capture) -> None:
    assert main(["kinds", "policy", "step"]) == 0
    rows = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()[2:]]
    options = {row[0]: row[1:3] for row in rows}
    assert options["sample"] == ["string", "required"]
    assert options["aggregate"] == ["sum|max|min|avg", '"sum"']
    assert options["steps[].above"] == ["number", "null"]
    main(["kinds", "source", "redis_broker"])
    assert "\nurl                secret           required" in capsys.readouterr().out


def test_every_option_of_every_kind_has_a_type(capsys: Capture) -> None:
    for plugin, names in registry.KINDS.items():
        for name in names:
            assert main(["kinds", plugin.__name__.lower(), name]) == 0
            rows = capsys.readouterr().out.splitlines()[3:]
            assert all(row.split()[1] != "any" for row in rows)


def test_ones_own_kind_and_one_that_is_not(capsys: Capture) -> None:
    own = "autoscaler.targets.simulated:Simulated"
    assert main(["kinds", "target", own, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == own
    assert main(["kinds", "target", "nothing"]) == 2
    assert "hint: `autoscaler kinds target` lists them" in capsys.readouterr().err


def test_schema(capsys: Capture) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"fleets", "sources"} <= schema["properties"].keys()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    assert "autoscaler" in capsys.readouterr().out


def test_a_shell_that_asks_gets_words() -> None:
    line = "autoscaler sta"
    ended = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m autoscaler 8>&1 9>/dev/null 1>/dev/null"],
        env={
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.stdout.split() == ["status"]

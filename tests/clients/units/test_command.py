"""Nodenames expand as Celery's own do; commands are told apart; secrets are not inherited."""

import sys
from pathlib import Path

import pytest
from celery.utils import nodenames

from autoscaler.clients.units.command import (
    WorkerCommand,
    expand_nodename,
    inheritable,
    nodename_template,
    placeholders,
)


@pytest.mark.parametrize(
    "nodename",
    [
        "w1",
        "w1@",
        "@box",
        "w1@%h",
        "%n@%d",
        "w1@%n.%d",
        "w%i@%h",
        "w%I@%h",
        "",
        "a@b@c",
        "w1@fixed",
    ],
)
def test_nodenames_expand_as_celery_expands_them(nodename):
    host = nodenames.gethostname()
    expected = nodenames.host_format(nodenames.default_nodename(nodename))
    assert expand_nodename(nodename, host) == expected


def test_a_host_with_a_domain_is_taken_apart():
    assert expand_nodename("%n@%d", "box.example.com") == "box@example.com"
    assert expand_nodename("w@%h", "box.example.com") == "w@box.example.com"


@pytest.mark.parametrize(
    ("command", "template"),
    [
        (["celery", "-n", "{unit}@%h"], "{unit}@%h"),
        (["celery", "--hostname={unit}"], "{unit}"),
        (["nice", "-n", "10", "celery", "-n", "{fleet}.{unit}"], "{fleet}.{unit}"),
        (["airflow", "celery", "worker", "-H", "{unit}@%h"], "{unit}@%h"),
        (["celery", "-n", "same@%h"], None),
        (["celery", "--queues={unit}"], None),
        (["celery", "-n"], None),
    ],
)
def test_the_nodename_is_what_differs_between_units(command, template):
    assert nodename_template(command) == template


def test_placeholders_are_named_and_braces_written_double():
    assert placeholders(["{unit}", "x{{y}}{queues}"]) == {"unit", "queues"}
    with pytest.raises(
        ValueError, match=r"unknown placeholder \{\}; there are \{fleet\} \{queues\}"
    ):
        placeholders(["{}"])
    with pytest.raises(ValueError, match=r"unknown placeholder \{unit:>3\}"):
        placeholders(["{unit:>3}"])
    with pytest.raises(ValueError, match=r"write \{\{ and \}\} for braces"):
        placeholders(["}"])


def test_only_what_matches_is_inherited_and_never_our_own():
    ours = {"PATH": "/bin", "AIRFLOW_HOME": "/a", "AUTOSCALER_TOKEN": "s", "LISTEN_FDS": "3"}
    assert inheritable(ours, ["*"]) == {"PATH": "/bin", "AIRFLOW_HOME": "/a"}
    assert inheritable(ours, ["AIR*", "AUTOSCALER_TOKEN"]) == {"AIRFLOW_HOME": "/a"}
    assert inheritable(ours, []) == {}


@pytest.mark.parametrize(
    ("running", "ours"),
    [
        (["/venv/bin/python", "/venv/bin/celery", "-n", "w-1"], True),
        (["celery", "-n", "w-1"], True),
        (["celery", "-n", "w-2"], False),
        (["celery", "-n", "w-1", "--more"], False),
        (["-n", "w-1"], False),
        ([sys.executable, "-c", "task"], False),
        ([], False),
    ],
)
def test_a_running_command_is_recognised_with_its_interpreter_in_front(running, ours):
    command = worker_command("celery", "-n", "{unit}")
    assert command.started("w-1", running) is ours


def test_a_unit_that_was_started_for_other_queues_is_recognised():
    command = worker_command("celery", "-n", "{unit}", "--queues={queues}")
    assert command.started("w-1", ["celery", "-n", "w-1", "--queues=a,b"])
    assert not command.started("w-1", ["celery", "-n", "w-1", "--pool=a,b"])


def test_units_of_other_commands_and_directories_are_told_apart():
    digests = {
        worker_command("celery", "{unit}").digest,
        worker_command("celery", "{unit}", "-v").digest,
        worker_command("celery", "{unit}", cwd=Path("/srv")).digest,
    }
    assert len(digests) == 3
    assert worker_command("celery", "{unit}").digest in digests


def worker_command(*template: str, cwd: Path | None = None) -> WorkerCommand:
    return WorkerCommand(template, {}, None, "host", cwd, {}, ("*",))

"""The local target: its options, what its processes get, and that they outlive it."""

from __future__ import annotations

import socket
import sys

import psutil
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from autoscaler.errors import ConfigError, TargetError
from autoscaler.interfaces import Context
from autoscaler.model import Fleet, UnitPhase
from autoscaler.targets.local import Local, LocalOptions
from tests.celery_app import app
from tests.servers import TESTS, Process, eventually, valkey
from tests.units import (
    MARK,
    NOW,
    SLEEP,
    add,
    drain,
    has_failed,
    is_gone,
    local,
    log_of,
    phases,
    pid_of,
    remove,
    unit_of,
)

HOST = socket.gethostname()
QUEUES = Fleet("default", queues=("default", "high"), slots_per_replica=4, max_replicas=4)
DAEMON = """
import asyncio, sys
from pathlib import Path
from tests.units import MARK, add, drain, local

async def run():
    target = local(Path(sys.argv[1]))
    await target.add([add("default-1", 1), add("default-2", 2)])
    await target.mark(drain("default-2", 3), MARK)
    print("added", flush=True)
    await asyncio.sleep(60)

asyncio.run(run())
"""


async def test_units_of_a_killed_daemon_are_adopted_marks_and_all(state, tmp_path):
    command = [sys.executable, "-c", DAEMON, str(state)]
    daemon = Process(command, tmp_path / "log", cwd=TESTS.parent)
    await daemon.launch()
    await eventually(lambda: "added" in daemon.output, "the daemon's units")
    pids = [pid_of(state, name) for name in ("default-1", "default-2")]
    await daemon.kill()
    target = local(state)
    with capture_logs() as logs:
        first, second = await target.units(NOW)
    assert [first.phase, second.phase] == [UnitPhase.RUNNING, UnitPhase.RUNNING]
    assert (first.drain, second.drain) == (None, MARK)
    assert first.created_at == NOW
    assert [entry["units"] for entry in logs] == [["default-1", "default-2"]]
    assert logs[0]["older_command"] == []
    assert [pid_of(state, name) for name in ("default-1", "default-2")] == pids
    await target.remove([remove("default-2", 4)])
    await eventually(lambda: is_gone(target, "default-2"), "the end of an orphan")
    assert psutil.pid_exists(pids[0])


async def test_our_secrets_are_not_inherited(state, monkeypatch):
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://:canary@host")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("REMAP_SIGTERM", "SIGQUIT")
    monkeypatch.setenv("CELERY_TRACE_APP", "1")
    monkeypatch.setenv("GIVEN", "from a secret")
    target = local(state, env={"PLAIN": "text", "TAKEN": {"env": "GIVEN"}})
    await target.add([add("default-1", 1)])
    found = psutil.Process(pid_of(state, "default-1")).environ()
    assert "canary" not in str(found)
    assert "NOTIFY_SOCKET" not in found
    assert "REMAP_SIGTERM" not in found
    assert found["CELERY_TRACE_APP"] == "1"
    assert (found["PLAIN"], found["TAKEN"]) == ("text", "from a secret")
    ours = {name for name in found if name.startswith("AUTOSCALER")}
    assert ours == {"AUTOSCALER_UNIT"}
    assert found["AUTOSCALER_UNIT"].endswith("/default/default-1/1.1")


async def test_only_what_is_named_is_inherited_when_names_are_given(state, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__X", "1")
    monkeypatch.setenv("OTHER_THING", "1")
    target = local(state, inherit_env=["PATH", "AIRFLOW__*", "AUTOSCALER_*"])
    await target.add([add("default-1", 1)])
    found = psutil.Process(pid_of(state, "default-1")).environ()
    assert set(found) == {"PATH", "AIRFLOW__CORE__X", "SPT_NOENV", "AUTOSCALER_UNIT"}


async def test_a_secret_that_is_gone_starts_nothing(state, monkeypatch):
    monkeypatch.setenv("GIVEN", "x")
    target = local(state, env={"TAKEN": {"env": "GIVEN"}})
    monkeypatch.delenv("GIVEN")
    with pytest.raises(TargetError, match="GIVEN is not set"):
        await target.add([add("default-1", 1)])
    assert await target.units(NOW) == ()


async def test_units_have_a_session_directory_and_log_of_their_own(state, tmp_path):
    show = "import os; print(os.getcwd(), os.getsid(0) == os.getpid(), flush=True)"
    target = local(
        state, command=[sys.executable, "-c", show + "; os.read(0, 1)"], cwd=str(tmp_path)
    )
    await target.add([add("default-1", 1)])
    log = log_of(state, "default-1")
    await eventually(log.read_text, "the output")
    assert log.read_text() == f"{tmp_path} True\n"
    await eventually(lambda: has_failed(target, "default-1"), "the end of its empty input")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"command": []}, "at least 1 item"),
        (
            {"command": ["run", "{worker}"]},
            r"unknown placeholder \{worker\}; there are \{fleet",
        ),
        ({"command": ["run", "{unit!r}"]}, r"unknown placeholder \{unit!r\}"),
        ({"command": ["run", "{unit"]}, "expected '}' before end of string"),
        ({"nodename": "{name}@%h"}, r"unknown placeholder \{name\}"),
        ({"env": {"AUTOSCALER_UNIT": "x"}}, "AUTOSCALER_UNIT is ours"),
        ({"env": {"A=B": "x"}}, "cannot be set"),
        ({"stop_signal": "SIGKILL"}, "SIGTERM"),
        ({"force_kill_after_seconds": 0}, "greater than 0"),
        ({"shell": True}, "Extra inputs are not permitted"),
    ],
)
def test_faults_are_found_when_the_config_is_read(options, fault):
    with pytest.raises(ValidationError, match=fault):
        LocalOptions.model_validate({"command": SLEEP, **options})


def test_placeholders_are_filled_in(tmp_path):
    command = ["run", "{fleet}", "--queues={queues}", "{slots}", "{{x}}", "-n", "{unit}@%h"]
    target = local(tmp_path, QUEUES, command=command)
    arguments = target.command.arguments("default-1")
    assert arguments[1:5] == ("default", "--queues=default,high", "4", "{x}")


@pytest.mark.parametrize(
    ("command", "nodename", "worker"),
    [
        (["celery", "--hostname", "{unit}@%h"], None, f"default-1@{HOST}"),
        (["celery", "--hostname={unit}@%h"], None, f"default-1@{HOST}"),
        (["nice", "-n", "10", "celery", "-n", "{unit}.%%"], None, "celery@default-1.%%"),
        (["airflow", "--celery-hostname", "{unit}@%n"], None, f"default-1@{HOST}"),
        (["./worker.sh"], "w-{unit}@fixed", "w-default-1@fixed"),
    ],
)
async def test_the_nodename_follows_from_the_command(tmp_path, command, nodename, worker):
    target = local(tmp_path, QUEUES, command=command, nodename=nodename)
    assert target.command.worker("default-1") == worker


def test_workers_need_names_of_their_own(tmp_path):
    with pytest.raises(ConfigError, match="each worker of default needs a name of its own"):
        local(tmp_path, QUEUES, command=["celery", "-A", "tasks", "worker"])


def test_slots_must_be_known_to_be_filled_in(tmp_path):
    with pytest.raises(ConfigError, match="say slots_per_replica"):
        local(tmp_path, command=["run", "{slots}"])


def test_the_name_of_the_fleet_must_be_a_file_name(tmp_path):
    with pytest.raises(ConfigError, match="needs a name that fits"):
        local(tmp_path, Fleet("../other"))
    with pytest.raises(ConfigError, match="needs a name that fits"):
        Local(LocalOptions(command=SLEEP), Context("x"))


async def test_a_celery_worker_is_told_to_stop_and_ends_its_task_first(state):
    command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker"]
    command += ["--hostname", "{unit}@%h", "--queues", "{queues}", "--concurrency", "{slots}"]
    fleet = Fleet("default", queues=("default",), slots_per_replica=1, max_replicas=1)
    async with valkey() as server, server.client() as client:
        env = {"CELERY_APP_BROKER_URL": server.url}
        target = local(state, fleet, command=[*command, "-l", "INFO"], env=env, cwd=TESTS.parent)
        await target.add([add("default-1", 1)])
        log = log_of(state, "default-1")
        worker = (await unit_of(target, "default-1")).worker
        await eventually(lambda: f"{worker} ready." in log.read_text(), "the worker", 30)
        with app.connection_for_write(server.url) as connection:
            app.send_task("nap", (1.0,), connection=connection, queue="default")
        await eventually(lambda: client.llen("ledger:started"), "the task's start")
        await target.mark(drain("default-1", 2), MARK)
        await target.remove([remove("default-1", 3)])
        assert await phases(target) == {"default-1": "terminating"}
        assert await client.llen("ledger:finished") == 0
        await eventually(lambda: is_gone(target, "default-1"), "the worker's end", 20)
        assert await client.llen("ledger:finished") == 1
        assert await client.llen("ledger:failed") == 0

"""What is delivered: lock files, wheel, image, service unit and compose file fit each other."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from autoscaler import __version__
from autoscaler.config import load

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")
INSTRUCTION = re.compile(r"^([A-Z]+) +(.*)$", re.DOTALL)


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Each instruction with its text, continuation lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [INSTRUCTION.match(line) for line in joined.splitlines() if line.strip()]
    assert all(found), "every line of the Dockerfile is an instruction"
    return [(match[1], match[2]) for match in found if match]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text())


def told(name: str, part: list[tuple[str, str]]) -> list[str]:
    return [text for instruction, text in part if instruction == name]


def last_stage() -> list[tuple[str, str]]:
    begins = max(index for index, (name, _) in enumerate(DOCKERFILE) if name == "FROM")
    return DOCKERFILE[begins:]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_pin_everything_with_hashes_and_name_no_host(name):
    text = (ROOT / name).read_text()
    packages = re.findall(r"^[a-z0-9][^\n]*", text, re.MULTILINE)
    assert len(packages) > 20
    assert all("==" in package and package.endswith("\\") for package in packages)
    assert "://" not in text


def test_the_lock_holds_all_dependencies_of_the_project():
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / LOCKS[0]).read_text(), re.MULTILINE))
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["demo"], *extras["rabbitmq"]]
    names = {re.match(r"[a-z0-9-]+", requirement)[0] for requirement in wanted}
    assert names <= locked


def test_two_stages_from_a_slim_base_without_a_registry_host():
    bases = told("FROM", DOCKERFILE)
    assert [base.split() for base in bases] == [
        ["python:3.13-slim", "AS", "build"],
        ["python:3.13-slim"],
    ]


def test_the_image_installs_only_what_is_locked():
    installs = [text for text in told("RUN", DOCKERFILE) if "pip install" in text]
    assert "--require-hashes --requirement requirements.lock" in installs[0]
    assert all("--require-hashes" in text or "--no-deps ." in text for text in installs)
    assert not any("pip" in text for text in told("RUN", last_stage()))


def test_everything_that_is_copied_is_let_through_dockerignore():
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = [text.split()[:-1] for text in told("COPY", DOCKERFILE) if "--from" not in text]
    files = {name for names in copied for name in names}
    assert files == let_through
    assert all((ROOT / name).exists() for name in files)


def test_the_image_runs_as_nobody_in_particular_and_writes_only_to_its_volume():
    stage = last_stage()
    assert told("USER", stage) == ["65532:65532"]
    assert told("VOLUME", stage) == told("WORKDIR", stage) == ["/var/lib/autoscaler"]
    assert "--owner=65532" in told("RUN", stage)[0]
    assert "PYTHONDONTWRITEBYTECODE=1" in told("ENV", stage)[0]


def test_the_healthcheck_asks_the_daemon_with_python_alone():
    (check,) = told("HEALTHCHECK", last_stage())
    command = yaml.safe_load(check.partition(" CMD ")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert "/healthz" in command[2]


def test_the_images_command_is_one_of_ours():
    stage = last_stage()
    script = yaml.safe_load(told("ENTRYPOINT", stage)[0])
    assert script[0] in PYPROJECT["project"]["scripts"]
    assert yaml.safe_load(told("CMD", stage)[0])[:2] == ["run", "--config"]


def test_the_compose_file_mounts_what_there_is_and_its_config_is_sound(monkeypatch):
    folder = ROOT / "deploy" / "compose"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    service = services["autoscaler"]
    sources = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
    assert sources
    assert all((folder / source).exists() for source in sources)
    assert service["read_only"] is True
    for name in service["environment"]:
        monkeypatch.setenv(name, "redis://broker:6379/0")
    config = load(folder / "autoscaler.yaml")
    assert config.http.listen == "0.0.0.0:9180"
    assert config.fleets[0].min_replicas == 0, "so that its workers can be sent home"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_systemd_understands_the_service(tmp_path):
    text = (ROOT / "deploy" / "autoscaler.service").read_text()
    unit = tmp_path / "autoscaler.service"
    unit.write_text(text.replace("/opt/autoscaler/bin/autoscaler", shutil.which("true") or ""))
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_stopping_the_service_leaves_its_workers_alone():
    text = (ROOT / "deploy" / "autoscaler.service").read_text()
    assert "\nKillMode=process\n" in text
    assert "\nOOMPolicy=continue\n" in text
    commands = re.findall(r"^Exec\w+=(\S+) (\w+)", text, re.MULTILINE)
    assert {command for path, command in commands if path.endswith("autoscaler")} == {
        "check",
        "run",
    }


def test_make_targets_that_people_and_ci_rely_on():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {"bench", "check", "demo", "lock", "simulate-faults", "test", "test-all"} <= targets
    assert {"check", "test", "test-all"} <= set(
        shlex.split(re.search(r"for target in ([^;]*);", (ROOT / ".ci" / "run").read_text())[1])
    )


@pytest.mark.full
def test_the_wheel_holds_what_the_program_reads_at_run_time(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, ROOT],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"autoscaler-{__version__}-py3-none-any")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"autoscaler/py.typed", "autoscaler/demo/demo.yaml"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "bench/")) for name in names)


@pytest.mark.full
def test_the_steps_of_the_image_make_a_program_that_runs(tmp_path):
    """There is no engine here to build it with, so the build stage's own commands are run."""
    venv, source = tmp_path / "venv", tmp_path / "src"
    source.mkdir()
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for name, text in DOCKERFILE:
        if name == "COPY" and "--from" not in text:
            copy(text.split()[:-1], source)
        elif name == "RUN" and "/opt/autoscaler" in text:
            command = text.replace("/opt/autoscaler", str(venv))
            subprocess.run(["bash", "-ec", command], cwd=source, env=env, check=True)
    shutil.rmtree(source)
    said = subprocess.run(
        [venv / "bin" / "autoscaler", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"autoscaler {__version__}\n"
    assert not (venv / "bin" / "pip").exists()


def copy(names: list[str], to: Path) -> None:
    for name in names:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, to)

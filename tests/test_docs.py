"""What the pages say is so: configs load, policy cases pass, commands do what they are shown for.

A `yaml`, `python` or `console` block is carried out, but for what needs a cluster, and `sql` by
tests/sources/test_airflow_grants.py; `text` is what a program once said. A block whose first line
is `# NAME.yaml` or `# NAME.py` is that file for the commands of its page.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from autoscaler.cli import main
from autoscaler.config import Config, parse
from autoscaler.controller import Controller
from autoscaler.demo.sandbox import sandbox
from tests.servers import Process, eventually, free_port

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md"))
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
LANGUAGES = {"console", "json", "python", "sql", "text", "yaml"}
BROKER, DAEMON = "127.0.0.1:6379", "127.0.0.1:9180"
COMMAND_SECONDS = 60.0
# A cluster is needed for these; tests/deploy has what they are given.
OF_A_CLUSTER = re.compile(r"(kubectl|helm) |autoscaler convert ")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that it is, as its first line says; empty when it is none."""
        named = re.match(r"# ([\w-]+\.(?:yaml|py))\n", self.text)
        return named[1] if named else ""

    @property
    def commands(self) -> list[str]:
        """What follows a prompt, with continued lines; the rest is what came of it."""
        joined = self.text.replace("\\\n", " ")
        return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match[1], match[2]))
    return found


BLOCKS = blocks()


def of(language: str, *pages: str) -> list[object]:
    chosen = [b for b in BLOCKS if b.language == language and (not pages or str(b.page) in pages)]
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in chosen]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    links = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    gone = [link for link in links if not (ROOT / page.parent / link).exists()]
    assert gone == []


def test_every_block_says_what_it_is():
    unknown = [f"{b.page}:{b.line}" for b in BLOCKS if b.language not in LANGUAGES]
    assert unknown == []


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_is_a_config_a_case_rules_or_a_manifest_and_sound(
    block, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", f"redis://{BROKER}/0")
    monkeypatch.setenv("AUTOSCALER_TOKEN", "let-me-in")
    keys = yaml.safe_load(block.text).keys()
    if "kind" in keys:
        manifest = tmp_path / block.file
        manifest.write_text(block.text)
        monkeypatch.chdir(tmp_path)
        assert main(["convert", block.file]) == 0
        assert f"```text\n{capsys.readouterr().out}```" in (ROOT / block.page).read_text()
    elif "fleets" in keys:
        config = parse(block.text, f"{block.page}:{block.line}")
        asyncio.run(make_and_close(config.model_copy(update={"state_directory": tmp_path})))
    elif "fleet" in keys:
        cases = tmp_path / "cases.yaml"
        cases.write_text(block.text)
        assert main(["test", str(cases)]) == 0, capsys.readouterr().out
    else:
        assert keys == {"groups"}, "rules of Prometheus, or say what it is"


async def make_and_close(config: Config) -> None:
    """All that the daemon does before its first tick."""
    await Controller(config).aclose()


@pytest.mark.parametrize("block", of("python"))
def test_python_compiles(block):
    compile(block.text, f"{block.page}:{block.line}", "exec")


@pytest.mark.parametrize("block", of("console"))
async def test_make_targets_exist(block):
    for command in block.commands:
        if command.startswith("make "):
            make = await asyncio.create_subprocess_exec(
                *command.split(), "--dry-run", cwd=ROOT, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await make.communicate()
            assert make.returncode == 0, out.decode()


class Reader:
    """Somebody who types commands in an empty directory with the files of one page."""

    def __init__(self, directory: Path, page: str, broker: str) -> None:
        self._directory = directory
        self._daemon: Process | None = None
        self._addresses = {BROKER: broker, DAEMON: f"127.0.0.1:{free_port()}"}
        scripts = str(Path(sys.executable).parent)
        self._env = {
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "AUTOSCALER_URL": f"http://{self._addresses[DAEMON]}",
            "AUTOSCALER_BROKER_URL": f"redis://{broker}/0",
            "AUTOSCALER_TOKEN": "let-me-in",
        }
        listen = f"http: {{listen: '{self._addresses[DAEMON]}', "
        for block in BLOCKS:
            if str(block.page) == page and block.file:
                (directory / block.file).write_text(block.text.replace("http: {", listen))

    async def types(self, command: str) -> None:
        """Carry it out as a shell would; it must succeed. The daemon goes on beside the rest."""
        for shown, real in self._addresses.items():
            command = command.replace(shown, real)
        if re.match(r"autoscaler run (?!.*--once)", command):
            self._daemon = self._process(command.split(), "daemon.log")
            await self._daemon.launch()
            await eventually(lambda: "decided" in self._daemon.output, command, COMMAND_SECONDS)
            return
        shell = self._process(["bash", "-c", command], "shell.log")
        await shell.launch()
        code = await shell.exited(COMMAND_SECONDS)
        assert code == 0, f"{command}: exit code {code}\n{shell.output}"

    async def leaves(self) -> int:
        """End the daemon; returns its exit code."""
        assert self._daemon is not None, "the page never ran it"
        return await self._daemon.terminate()

    def _process(self, command: list[str], log: str) -> Process:
        return Process(command, self._directory / log, self._env, self._directory)


async def test_commands_do_what_they_are_shown_for(tmp_path):
    pages = ("README.md", "docs/api.md")
    shown = [block for page in pages for block in BLOCKS if str(block.page) == page]
    commands = [
        command for block in shown if block.language == "console" for command in block.commands
    ]
    assert len(commands) > 8
    async with sandbox() as place:
        reader = Reader(tmp_path, pages[0], place.url.split("/")[2])
        for command in commands:
            if not command.startswith("make "):
                await reader.types(command)
        assert await reader.leaves() == 0


def test_commands_elsewhere_are_none_that_nobody_tries():
    tried = ("README.md", "docs/api.md")
    console = [b for b in BLOCKS if b.language == "console" and str(b.page) not in tried]
    commands = [command for block in console for command in block.commands]
    elsewhere = [command for command in commands if not command.startswith("make ")]
    assert [command for command in elsewhere if not OF_A_CLUSTER.match(command)] == []

"""`autoscaler simulate`: a trace in, a table or JSON out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autoscaler.cli import main
from autoscaler.cli.simulate import EXAMPLES
from autoscaler.simulator.rivals import RIVALS
from autoscaler.simulator.trace import load, write
from tests.simulator.traces import plain

Capture = pytest.CaptureFixture[str]
CONFIG = """\
sources:
  broker: {kind: redis_broker, url: {env: NOT_SET_HERE}}
  airflow: {kind: airflow_database, url: {file: /nowhere}}
http: {token: {env: NOT_SET_HERE}}
interval_seconds: 30
fleets:
  - queues: [QUEUE]
    slots_per_replica: 4
    max_replicas: 5
    demand: airflow
    budgets: {database_connections_percent: 50}
    target: {kind: local, command: [celery], env: {TOKEN: {env: NOT_SET_HERE}}}
"""


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "burst.csv.gz"
    write(plain([(60 + n, 120) for n in range(20)] + [(900, 1)]), path)
    return str(path)


def test_a_table_shows_the_daemon_beside_its_rivals(trace: str, capsys: Capture) -> None:
    words = ["--slots", "2", "--max", "10", "--against", "static", "--seeds", "1,2"]
    assert main(["simulate", "--trace", trace, *words]) == 0
    shown = capsys.readouterr()
    first, _, head, ours, rival, _, last = shown.out.splitlines()
    assert first == "burst: 21 tasks on 1 queue within 15 min"
    assert head.split()[:3] == ["A30", "A120", "A300"]
    assert ours.split()[0] == "autoscaler"
    assert ours.split()[6] == "1.00"
    assert rival.split()[:4] == ["static", "100.0", "100.0", "100.0"]
    assert float(rival.split()[5]) == pytest.approx(10 * 1200 / 3600, abs=0.05)
    assert last == "cost in worker-hours, ratio to autoscaler; launches and flaps a day"
    assert shown.err == ""


def test_json_has_every_measure(trace: str, capsys: Capture) -> None:
    assert main(["simulate", "--trace", trace, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [ours] = document["results"]
    assert (document["trace"], document["tasks"]) == ("burst", 21)
    assert (ours["name"], ours["seeds"], ours["kills"]) == ("autoscaler", [1], 0)
    assert ours["within"].keys() == {"30", "120", "300"}
    assert ours["cost_ratio"] == 1


def test_a_config_gives_the_fleets_and_needs_no_secrets(
    tmp_path: Path, trace: str, capsys: Capture
) -> None:
    path = tmp_path / "autoscaler.yaml"
    path.write_text(CONFIG.replace("QUEUE", "default"))
    assert main(["simulate", "-c", str(path), "--trace", trace, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["kills"] == 0
    path.write_text(CONFIG.replace("QUEUE", "other"))
    assert main(["simulate", "-c", str(path), "--trace", trace]) == 2
    assert "no fleet serves queue default of trace burst" in capsys.readouterr().err
    for text, fault in (
        (CONFIG.replace("max_replicas: 5", "max_replicas: 0"), ":9: fleets[0].max_replicas: "),
        ("fleets: [7]", ":1: fleets[0]: "),
        ("fleets:\n  - queues: [q]\n    max_replicas: 1\n", ":2: fleets[0].target: "),
        ("7", ":1: "),
    ):
        path.write_text(text)
        assert main(["simulate", "-c", str(path), "--trace", trace]) == 2
        assert f"{path}{fault}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--against", "static,magic"], "no rival is called magic"),
        (["--seeds", "1,x"], "must be whole numbers joined by commas"),
        (["--slots", "0"], "must be a whole number of at least 1, not '0'"),
        (["--max", "default=x"], "must be a whole number of at least 1, not 'x'"),
        (["--max", "other=3"], "the most workers of queue default are not given"),
    ],
)
def test_wrong_words_are_refused(trace: str, capsys: Capture, words: list[str], fault: str) -> None:
    try:
        code = main(["simulate", "--trace", trace, *words])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    assert fault in capsys.readouterr().err


def test_the_help_and_the_page_name_every_rival() -> None:
    names = set(RIVALS)
    [told] = re.findall(r"^rivals: (.*); or all$", EXAMPLES, re.MULTILINE)
    assert set(told.split(", ")) == names
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) >= names


def test_a_page_shows_it_in_pictures(trace: str, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "burst.html"
    words = ["simulate", "--trace", trace, "--against", "keda", "--seeds", "2,3"]
    assert main([*words, "--html", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "Simulation of burst" in text
    assert text.count('<section class="card') == 2
    assert main([*words, "--html", str(tmp_path)]) == 2
    assert f"{tmp_path} cannot be written: Is a directory" in capsys.readouterr().err


def test_all_are_run_beside_it(trace: str, capsys: Capture) -> None:
    assert main(["simulate", "--trace", trace, "--max", "5", "--against", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split() for line in lines[3:-2]}
    assert rows.keys() == {"autoscaler", *RIVALS}
    assert rows["clairvoyant"][6] == "1.00"
    assert lines[-1] == "cost in worker-hours, ratio to clairvoyant; launches and flaps a day"


def test_a_wrong_trace_is_refused_with_its_line(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,submit_s,duration_s,queue,deps,key\na,x,1,q,,k\n")
    assert main(["simulate", "--trace", str(path)]) == 2
    assert f"{path}:2: trace: submit_s is 'x'; write seconds" in capsys.readouterr().err


def test_on_a_terminal_a_bar_shows_how_far_it_is(
    trace: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["simulate", "--trace", trace, "--against", "static", "--seeds", "1,2"]) == 0
    drawn = capsys.readouterr().err.split("\r\x1b[K")
    assert drawn[1] == f"{'░' * 30}   0%  autoscaler, seed 1"
    assert drawn[-2] == f"{'█' * 30} 100%  static, seed 2"
    assert drawn[-1] == ""


def test_a_class_of_work_is_simulated_without_a_trace_and_can_be_kept(
    tmp_path: Path, capsys: Capture
) -> None:
    kept = tmp_path / "kept.csv.gz"
    words = ["--generate", "bursts:7", "--days", "0.1", "--save", str(kept)]
    assert main(["simulate", *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["trace"] == "bursts-7"
    assert len(load(kept).tasks) == told["tasks"] > 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--generate", "chaos"], "there are: cron, long, smooth, bursts"),
        (["--generate", "cron:x"], "write cron:7"),
        (["--generate", "cron", "--days", "0.01", "--save", "/no/such/file"], "/no/such/file: No"),
    ],
)
def test_what_cannot_be_generated_or_kept_is_said(
    words: list[str], said: str, capsys: Capture
) -> None:
    assert main(["simulate", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("days", ["0", "many", "400"])
def test_days_are_a_number(days: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--generate", "cron", "--days", days])
    assert "must be a number of days" in capsys.readouterr().err

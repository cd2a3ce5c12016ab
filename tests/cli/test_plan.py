"""`autoscaler plan`: differences of two configs, and a trace under both."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from autoscaler.cli import gates, main
from autoscaler.cli.gates import Gate, gate
from autoscaler.simulator.trace import write
from tests.simulator.traces import plain

Capture = pytest.CaptureFixture[str]
OLD = """\
sources:
  broker: {kind: redis_broker, url: "redis://user:hunter2@10.0.0.1:6379/0"}
http: {token: hunter3}
fleets:
  - name: us
    queues: [default]
    slots_per_replica: 2
    max_replicas: 8
    target: {kind: simulated}
"""
NEW = OLD.replace("max_replicas: 8", "max_replicas: 1").replace("hunter3", "hunter4")
BOTH = {"old": OLD, "new": NEW}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The two configs, and a trace of a burst."""
    write(plain([(60 + n, 120) for n in range(20)]), tmp_path / "burst.csv")
    for name, text in BOTH.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: str(tmp_path / f"{name}.yaml") for name in BOTH} | {
        "trace": str(tmp_path / "burst.csv")
    }


def test_differences_by_path_and_no_secret(files: dict[str, str], capsys: Capture) -> None:
    assert main(["plan", files["new"], "--from", files["old"]]) == 0
    head, change, token = capsys.readouterr().out.splitlines()
    assert head.split() == ["PATH", "BEFORE", "AFTER"]
    assert change.split() == ["fleets[us].max_replicas", "8", "1"]
    assert token.split("  ")[0] == "http.token"
    assert token.count("(not shown)") == 2


def test_what_came_or_went_has_nothing_at_the_other_side(
    files: dict[str, str], capsys: Capture
) -> None:
    other = OLD.replace("    max_replicas: 8\n", "    max_replicas: 8\n    min_replicas: 0\n")
    Path(files["new"]).write_text(other.replace("10.0.0.1", "10.0.0.2"))
    assert main(["plan", files["new"], "--from", files["old"]]) == 0
    told = capsys.readouterr().out
    assert "hunter" not in told
    assert [line.split() for line in told.splitlines()[1:]] == [
        ["fleets[us].min_replicas", "-", "0"],
        ["sources.broker.url", "(not", "shown)", "(not", "shown)"],
    ]
    assert main(["plan", files["old"], "--from", files["old"]]) == 0
    assert capsys.readouterr().out == "the configs do not differ\n"


SECRETS = """\
sources:
  broker: {kind: redis_broker, url: sentinel://h/0, sentinel_password: hunter-SIDE}
  prom:
    {kind: prometheus, url: "http://p", headers: {Authorization: hunter-SIDE, name: hunter-SIDE}}
notifiers:
  - {kind: webhook, url: "https://hooks.example/hunter-SIDE", headers: {X-Key: hunter-SIDE}}
fleets:
  - name: us
    queues: [default]
    max_replicas: 3
    target:
      {kind: local, command: [celery, hunter-SIDE], env: {TOKEN: hunter-SIDE, env: hunter-SIDE,
       kind: hunter-SIDE, BROKER: {env: BROKER_SIDE}}}
"""


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_texts_that_may_be_secret_are_not_shown(
    files: dict[str, str], capsys: Capture, form: list[str]
) -> None:
    for side in BOTH:
        Path(files[side]).write_text(SECRETS.replace("SIDE", side))
    assert main(["plan", files["new"], "--from", files["old"], *form]) == 0
    told = capsys.readouterr().out
    assert "hunter" not in told
    assert told.count("(not shown)") == 2 * 9
    assert "BROKER_old" in told, "a reference is no secret"


def test_gates_need_something_to_judge_by(files: dict[str, str], capsys: Capture) -> None:
    assert main(["plan", files["new"], "--from", files["old"], "--gate", "a30=-1"]) == 2
    assert "add --trace FILE" in capsys.readouterr().err


def test_fleets_that_are_wrong_end_with_2_without_a_trace_too(
    files: dict[str, str], capsys: Capture
) -> None:
    Path(files["new"]).write_text(OLD.replace("max_replicas: 8", "max_replicas: banana"))
    assert main(["plan", files["new"], "--from", files["old"]]) == 2
    assert "max_replicas" in capsys.readouterr().err


def test_a_gate_that_is_broken_ends_with_1(files: dict[str, str], capsys: Capture) -> None:
    words = ["plan", files["new"], "--from", files["old"], "--trace", files["trace"]]
    assert main([*words, "--gate", "cost=+5%"]) == 0, "one worker is cheaper"
    shown = capsys.readouterr().out
    assert "MEASURE" in shown
    assert "broken" not in shown
    assert main([*words, "--gate", "a300=-1", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    before, after = document["replayed"]["before"], document["replayed"]["after"]
    assert before["a300"] > after["a300"]
    assert document["broken"] == [f"a300=-1: {before['a300']:.2f} -> {after['a300']:.2f}"]
    assert main([*words, "--gate", "a300=-1"]) == 1
    assert "broken: a300=-1: " in capsys.readouterr().out


@pytest.mark.parametrize("text", ["a30", "a30=+1", "cost=-5%", "waits=+1", "cost=5%", "a30=-x"])
def test_a_gate_that_makes_no_sense_says_how_to_write_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"a30=-0\.5 \(points\) or cost=\+5%"):
        gate(text)


@pytest.mark.parametrize(
    ("text", "before", "after", "broken"),
    [
        ("a30=-0.5", 98.0, 97.6, False),
        ("a30=-0.5", 98.0, 97.4, True),
        ("cost=+5%", 100.0, 104.0, False),
        ("cost=+5%", 100.0, 106.0, True),
        ("cost=+5%", 0.0, 0.0, False),
        ("cost=+5%", 0.0, 1.0, True),
        ("p95=+10", 20.0, 29.0, False),
        ("p95=+10", 20.0, 31.0, True),
    ],
)
def test_a_gate_bounds_what_gets_worse(
    text: str, before: float, after: float, *, broken: bool
) -> None:
    made = gate(text)
    assert isinstance(made, Gate)
    assert str(made) == text
    assert made.broken(before, after) is broken


def test_more_killed_tasks_break_every_plan() -> None:
    told = list(gates.broken([], {"kills": 0.0}, {"kills": 2.0}))
    assert told == ["kills: 0 -> 2, and none more may be killed"]


def test_a_config_that_is_wrong_ends_with_2(files: dict[str, str], capsys: Capture) -> None:
    Path(files["new"]).write_text("fleets: ]")
    assert main(["plan", files["new"], "--from", files["old"]]) == 2
    assert "new.yaml:1" in capsys.readouterr().err

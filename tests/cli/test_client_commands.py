"""The commands that ask a running daemon, against the real API."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autoscaler.cli import main
from autoscaler.model import (
    Bottleneck,
    Finding,
    Override,
    Result,
    Severity,
    Stage,
    StartUp,
    UnitPhase,
    Verdict,
)
from tests.cli.conftest import Daemon
from tests.records import NOW, replica, seen
from tests.ticks import SAMPLES, asks, step, tick, turn

Capture = pytest.CaptureFixture[str]


def test_status_of_all_fleets(daemon: Daemon, capsys: Capture) -> None:
    daemon.observe(tick(turn(5, step(Stage.LIMIT, 8, 5, "at most 2 pods per 60 s"))))
    assert main(["status"]) == 0
    header, row, *notes = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["FLEET", "DEMAND", "NOW", "WANT"]
    assert header.endswith("READY  DRAIN  WAITING  RUNNING  OLDEST  WHY")
    assert row.split()[:4] == ["default", "██", "3", "5"]
    assert row.endswith("    3      0       30        8       -  at most 2 pods per 60 s")
    assert notes == ["", "last tick 0 s ago, healthy"]


def test_status_says_what_is_wrong(daemon: Daemon, capsys: Capture) -> None:
    finding = Finding("x", Severity.CRITICAL, "queue a has no consumers", remedy="start one")
    other = replace(finding, severity=Severity.WARNING, summary="queue b has no consumers")
    mute = replace(finding, summary="all is lost", remedy="")
    daemon.observe(
        tick(
            turn(3, snapshot=seen(missing={"target/default": "gone"})),
            missing={"workers": "timed out"},
            findings=(finding, other, mute),
            leader=False,
        )
    )
    daemon.api.now[0] = NOW + 90
    assert main(["status"]) == 0
    row, _, *notes = capsys.readouterr().out.splitlines()[1:]
    assert row.split()[:4] == ["default", "█", "?", "3"]
    assert row.endswith("nothing is lowered, unknown: target/default")
    assert notes == [
        "these numbers are old: the last tick began 90 s ago",
        "this daemon does not lead: it decides, and another one acts",
        "workers is down: timed out",
        "critical: queue a has no consumers",
        "warning: queue b has no consumers",
        "  start one",
        "critical: all is lost",
    ]


def test_what_is_not_carried_out_is_told(daemon: Daemon, capsys: Capture) -> None:
    daemon.observe(tick(turn(5, result=Result.FAILED)))
    main(["status"])
    assert "failed, see `autoscaler explain default`" in capsys.readouterr().out
    daemon.observe(tick(turn(5, result=Result.DRY_RUN)))
    main(["status", "default"])
    assert "this is a dry run: what is decided is not carried out" in capsys.readouterr().out


def test_the_bottleneck_is_told_where_more_workers_would_not_help(
    daemon: Daemon, capsys: Capture
) -> None:
    pool = Verdict(Bottleneck.POOL, "adding workers would start 0 tasks: pool small is 1/1")
    daemon.observe(tick(turn(3, snapshot=replace(seen(replica("a")), blockage=pool))))
    main(["status"])
    assert f"default: {pool.message}" in capsys.readouterr().out.splitlines()


def test_what_was_learned_is_told(daemon: Daemon, capsys: Capture) -> None:
    started = replace(seen(replica("a")), start_up=StartUp(8, 20, 3))
    daemon.observe(tick(turn(3, snapshot=started), known_dags={"airflow": 7}))
    main(["status"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "airflow: the footprints of 7 DAGs are known"
    main(["status", "default"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "of the last 3 starts half took up to 8 s, nine of ten up to 20 s"


def test_a_source_that_is_down_is_told_once(daemon: Daemon, capsys: Capture) -> None:
    missing = {"broker": "refused"}
    daemon.observe(tick(missing=missing))
    main(["status"])
    assert "broker is down for 0 s: refused" in capsys.readouterr().out
    finding = Finding("source_down", Severity.CRITICAL, "Source broker cannot be read: refused")
    daemon.observe(tick(missing=missing, findings=(finding,)))
    main(["status"])
    assert capsys.readouterr().out.count("refused") == 1


def test_status_of_one_fleet_with_its_replicas(daemon: Daemon, capsys: Capture) -> None:
    drained = replica("b", busy=1, drained=True)
    assert drained.worker is not None
    assert drained.worker.active is not None
    task = replace(drained.worker.active[0], started_at=NOW - 300)
    replicas = (
        replica("a", busy=2),
        replace(drained, worker=replace(drained.worker, active=(task,))),
        replica("c", registered=False),
        replica("d", silent=True),
        replica("e", phase=UnitPhase.PENDING),
        replica("f", busy=1, drained=True),
    )
    override = Override("default", "deploy 41", "ann", NOW, None, None)
    daemon.observe(tick(turn(2, snapshot=seen(*replicas, samples=SAMPLES), override=override)))
    assert main(["status", "default"]) == 0
    shown = capsys.readouterr().out
    assert "paused by ann until resumed: deploy 41" in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["a", "ready", "2/4", "0", "a@host"] in rows
    assert ["b", "draining", "1/4", "0", "b@host", "tasks.nap", "(5", "min)"] in rows
    assert ["c", "starting", "?", "?", "-"] in rows
    assert ["d", "silent", "0/4", "0", "d@host"] in rows
    assert ["e", "pending", "0/4", "0", "e@host"] in rows
    assert ["f", "draining", "1/4", "0", "f@host", "tasks.nap"] in rows


def test_a_held_number_and_an_oldest_task(daemon: Daemon, capsys: Capture) -> None:
    samples = {**SAMPLES, "oldest_task_age_seconds": 300.0}
    override = Override("default", "peak", "ann", NOW, NOW + 60, 7)
    daemon.observe(tick(turn(7, snapshot=seen(samples=samples), override=override)))
    main(["status"])
    shown = capsys.readouterr().out
    assert "held at 7 by ann until 1970-01-12T13:47:40.000Z: peak" in shown
    assert " 5 min " in shown


def test_status_as_json_and_of_an_unknown_fleet(daemon: Daemon, capsys: Capture) -> None:
    assert main(["status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["fleets"][0]["desired"] == 3
    assert document["health"]["status"] == "healthy"
    assert main(["status", "default", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["fleet"]["name"] == "default"
    assert main(["status", "nothing"]) == 1
    assert capsys.readouterr().err == (
        "error: no fleet is called 'nothing'\nhint: there are: default\n"
    )


def test_watching_until_interrupted(
    daemon: Daemon, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    class Pause:
        def wait(self, seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr("autoscaler.cli.status.Event", Pause)
    assert main(["status", "--watch", "0.5", "--json"]) == 130
    assert waited == [0.5] * 3
    assert [json.loads(line)["leader"] for line in capsys.readouterr().out.splitlines()] == [
        True
    ] * 3


def test_explain(daemon: Daemon, capsys: Capture) -> None:
    limit = step(Stage.LIMIT, 8, 5, "at most 2 pods per 60 s", NOW + 45)
    daemon.observe(tick(turn(5, limit, recommendations=(asks(8),))))
    assert main(["explain", "default"]) == 0
    shown = capsys.readouterr().out
    told = daemon.api.backend.recent.decisions("default", 1)[0].explanation
    for sentence in (told.summary, *told.why, *told.why_not_more, *told.why_not_fewer):
        assert sentence in shown
    assert "Why 5?\n  target_tracking asks for 8" in shown
    assert "Possible again at 1970-01-12T13:47:25.000Z, if nothing else changes." in shown
    assert "STAGE  FROM  TO  REASON  BECAUSE" in shown
    assert "limit     8   5  At      at most 2 pods per 60 s" in shown


def test_explain_has_an_answer_even_where_nothing_holds(daemon: Daemon, capsys: Capture) -> None:
    daemon.observe(tick(turn(2, recommendations=())))
    main(["explain", "default"])
    assert "There is no reason; the next tick may do it." in capsys.readouterr().out


def test_explain_at_a_time(daemon: Daemon, capsys: Capture) -> None:
    assert main(["explain", "default", "--at", "1970-01-12T13:46:45Z", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["desired"] == 3
    assert main(["explain", "default", "--at", "100"]) == 1
    assert "no decision of 'default' is known" in capsys.readouterr().err
    assert main(["explain", "default", "--at", "soon"]) == 2
    assert "write 2h (ago), 14:03 (UTC) or 2026-11-22T14:03:20Z" in capsys.readouterr().err


def test_pause_scale_and_resume(daemon: Daemon, capsys: Capture) -> None:
    assert main(["pause", "default", "--for", "2h", "--reason", "deploy 41"]) == 0
    assert capsys.readouterr().out == "default is paused until 15:46:40 UTC\n"
    override = daemon.api.backend.overrides.active("default", NOW)
    assert override is not None
    assert (override.reason, override.expires_at) == ("deploy 41", NOW + 7200)
    assert main(["scale", "default", "7", "--for", "forever", "--reason", "peak"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("default is held at 7 until resumed (before: paused by ")
    assert main(["resume", "default", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["before"]["replicas"] == 7
    assert daemon.api.backend.overrides.active("default", NOW) is None


def test_whoever_has_no_name_is_unknown(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert main(["pause", "default", "--reason", "r"]) == 0
    override = daemon.api.backend.overrides.active("default", NOW)
    assert override is not None
    assert override.actor == "unknown"

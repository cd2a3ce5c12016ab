"""The log: transitions and not repetitions, and never a secret."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace
from typing import Any

import structlog
from structlog.testing import capture_logs

from autoscaler.model import Override, Result, Stage, Tick
from autoscaler.telemetry.log import LogObserver, configure
from tests.records import NOW
from tests.ticks import outcome, step, tick, turn

CANARY = "canary-9f2c"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def told(*ticks: Tick, level: str = "info") -> list[list[dict[str, Any]]]:
    """The events of each tick in turn, those below the level left out."""
    with capture_logs() as log:
        observer = LogObserver()
        events = []
        for each in ticks:
            observer(each)
            lowest = logging.getLevelNamesMapping()[level.upper()]
            names = logging.getLevelNamesMapping()
            events.append([e for e in log if names[e["log_level"].upper()] >= lowest])
            log.clear()
    return events


def fail(message: str) -> None:
    raise ConnectionError(message)


def test_a_decision_is_told_once() -> None:
    first, second, third = told(tick(turn(3)), tick(turn(3)), tick(turn(5)))
    assert first == [
        {
            "event": "decided",
            "log_level": "info",
            "fleet": "default",
            "current": 3,
            "desired": 3,
            "reason": "Asked",
            "message": "asked for by the policies",
        }
    ]
    assert second == []
    assert [(event["event"], event["desired"]) for event in third] == [("decided", 5)]
    assert [e["event"] for e in told(tick(), tick(), level="debug")[1]] == ["unchanged"]


def test_a_changed_reason_is_told_and_a_changed_message_is_not() -> None:
    held = turn(3, step(Stage.GUARD, 2, 3, "held for 20 s"))
    still_held = turn(3, step(Stage.GUARD, 2, 3, "held for 15 s"))
    _, changed, same = told(tick(turn(3)), tick(held), tick(still_held))
    assert [event["reason"] for event in changed] == ["Held"]
    assert same == []


def test_a_source_breaks_once_and_recovers_once() -> None:
    down = tick(missing={"broker": "connection refused"})
    still_down = tick(now=NOW + 5, missing={"broker": "timed out"})
    events = told(tick(), down, still_down, tick(now=NOW + 12))
    assert [[e["event"] for e in each] for each in events[1:]] == [
        ["source down"],
        [],
        ["source recovered"],
    ]
    assert events[1][0]["why"] == "connection refused"
    assert events[3][0]["down_seconds"] == 12


def test_each_outcome_is_told_once() -> None:
    failed = turn(3, outcomes=(outcome(result=Result.FAILED, message="quota reached"),))
    added = turn(3, outcomes=(outcome(),))
    first, second, third = told(tick(failed), tick(failed), tick(added))
    assert first[1] == {
        "event": "add",
        "log_level": "warning",
        "fleet": "default",
        "unit": "default-3",
        "result": "failed",
        "reason": "more is wanted",
        "message": "quota reached",
    }
    assert second == []
    assert [(e["event"], e["log_level"]) for e in third] == [("add", "info")]


def test_bugs_and_broken_invariants() -> None:
    frozen = turn(3, result=Result.FROZEN, error="I4: 12 replicas are more than 10")
    bug = {"fleet/default": "Traceback ...\nKeyError: 'x'"}
    first, second = told(tick(frozen, bugs=bug), tick(frozen, bugs=bug))
    assert [(e["event"], e["log_level"]) for e in first] == [
        ("bug", "error"),
        ("decided", "info"),
        ("invariant broken, nothing is done", "error"),
    ]
    assert first[0]["exception"].endswith("KeyError: 'x'")
    assert second == []


def test_leadership_and_overrides() -> None:
    override = Override("default", "deploy 41", "ann", NOW, NOW + 60)
    events = told(
        tick(leader=False),
        tick(turn(3, override=override)),
        tick(turn(3, override=override)),
        tick(),
    )
    assert [[e["event"] for e in each] for each in events] == [
        ["not the leader", "decided"],
        ["became the leader", "override"],
        [],
        ["override ended"],
    ]
    assert events[1][1]["actor"] == "ann"


def test_no_secret_is_written_in_any_form() -> None:
    stream = io.StringIO()
    configure("json", stream=stream)
    url = f"redis://user:{CANARY}@broker:6379/0"
    log = structlog.get_logger()
    log.info("connecting", url=url, options={"password": CANARY, "hosts": [url]}, token=CANARY)
    try:
        fail(f"cannot reach {url}")
    except ConnectionError as error:
        log.exception("failed", error=error, seen={url})
    logging.getLogger("kombu").warning("lost %s", url)
    LogObserver()(tick(missing={"broker": f"cannot reach {url}"}))
    written = stream.getvalue()
    assert CANARY not in written
    lines = [json.loads(line) for line in written.splitlines()]
    assert lines[0]["options"] == {"password": "***", "hosts": ["redis://broker:6379/0"]}
    assert lines[1]["error"] == "cannot reach redis://broker:6379/0"
    assert (lines[2]["logger"], lines[2]["event"]) == ("kombu", "lost redis://broker:6379/0")
    assert lines[0]["timestamp"].endswith("Z")


def test_people_get_lines_and_machines_get_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure("auto", stream=stream)
        structlog.get_logger().info("decided", desired=5)
    assert "decided" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["desired"] == 5


def test_the_console_shows_tracebacks_without_colours_in_a_file() -> None:
    stream = io.StringIO()
    configure("console", "warning", stream)
    log = structlog.get_logger()
    log.info("too quiet")
    try:
        fail("broken")
    except ConnectionError:
        log.exception("failed")
    written = stream.getvalue()
    assert "too quiet" not in written
    assert "ConnectionError: broken" in written
    assert "\x1b[" not in written


def test_a_fleet_that_is_gone_and_back_is_told_anew() -> None:
    gone = replace(tick(), fleets={})
    _, nothing, again = told(tick(), gone, tick())
    assert nothing == []
    assert [event["event"] for event in again] == ["decided"]

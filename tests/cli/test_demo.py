"""`autoscaler demo`: the story it tells of ticks, the screen, the report and the exit code."""

from __future__ import annotations

import json

import pytest

from autoscaler.cli import main
from autoscaler.cli.demo import conclude
from autoscaler.cli.demo_screen import Frame, draw
from autoscaler.demo.ledger import Burst, Toll
from autoscaler.demo.show import Report
from autoscaler.demo.story import Event, Story
from autoscaler.model import (
    Action,
    ActionKind,
    Decision,
    Fence,
    FleetTick,
    Outcome,
    Recommendation,
    Result,
    Snapshot,
    Stage,
    Step,
    Tick,
)
from tests.records import NOW, replica, seen

SAMPLES = {"waiting_tasks": 7, "running_tasks": 3}


def ticked(number, *replicas, at=NOW, desired=2, outcomes=(), samples=SAMPLES):
    view = seen(*replicas, now=at, samples=samples, max_replicas=5, slots_per_replica=4)
    step = Step(Stage.RECOMMEND, view.current, desired, "Test", "seven wait")
    asked = Recommendation("target_tracking", desired, "Test", "seven wait")
    decision = Decision("default", at, view.current, desired, (step,), (asked,))
    turn = FleetTick(view, decision, Result.UNCHANGED, outcomes)
    return Tick(number, Snapshot(at), {"default": turn})


def outcome(kind, unit, result=Result.APPLIED, message=""):
    return Outcome(Action(kind, "default", unit, Fence(1, 1), NOW, "why"), result, message)


def test_the_story_tells_decisions_once_and_actions_together():
    told: list[Event] = []
    story = Story("default", told.append)
    add = [outcome(ActionKind.ADD, "default-2"), outcome(ActionKind.ADD, "default-3")]
    wait = outcome(ActionKind.REMOVE, "default-1", Result.WAITING)
    failed = outcome(ActionKind.DRAIN, "default-1", Result.FAILED, "no answer")
    story(ticked(1, replica("default-1"), desired=3, outcomes=tuple(add)))
    story(ticked(2, replica("default-1"), desired=3, at=NOW + 2, outcomes=(wait, failed)))
    story(ticked(3, *map(replica, "abc"), desired=3, at=NOW + 3))
    assert [(event.at, event.what, event.message) for event in told] == [
        (0, "1 → 3", "target_tracking asks for 3: seven wait."),
        (0, "add", "default-2, default-3: why"),
        (2, "drain", "default-1: failed, no answer"),
    ]
    assert (story.decisions, story.first_decision_at) == (1, 0)
    assert story.worker_seconds == 1 * 2 + 1 * 1


def test_the_story_does_not_make_numbers_up():
    story = Story("default", lambda _: None)
    story(ticked(1, samples={}))
    assert (story.moments[0].waiting, story.moments[0].running) == (None, None)


def frame(*replicas, events=(), **changes):
    story = Story("default", lambda _: None)
    for number in range(200):
        story(ticked(number, *replicas, at=NOW + number))
    facts = {
        "elapsed": 65.2,
        "length": 100,
        "moments": story.moments,
        "events": events,
        "sent": 120,
        "ended": 99,
        "phase": "real Valkey and Celery workers",
        "address": "http://127.0.0.1:1",
        **changes,
    }
    return Frame(**facts)


def test_the_screen_shows_numbers_workers_and_events():
    shown = draw(
        frame(
            replica("default-1", busy=3),
            replica("default-2", busy=1, drained=True),
            replica("default-3", drained=True),
            replica("default-4", registered=False),
            replica("default-5", ready=False, silent=True),
            events=[Event(61.5, "1 → 3", "seven wait")],
        ),
        columns=80,
        rows=24,
        colors=False,
    )
    text = "\n".join(shown)
    assert "01:05 of 01:40" in text
    assert "120 sent, 99 finished" in text
    assert "default-1      ready       ■■■□" in text
    assert "default-2      draining    ■□□□   finishes what it runs" in text
    assert "default-3      draining    □□□□   empty" in text
    assert "default-4      starting" in text
    assert "default-5      silent" in text
    assert "01:01  1 → 3   seven wait" in text


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 12), (200, 60), (20, 5)])
@pytest.mark.parametrize("colors", [False, True])
def test_the_screen_keeps_to_the_terminal(columns, rows, colors):
    events = [Event(n, "drain", "a long sentence " * 20) for n in range(100)]
    shown = draw(frame(*map(replica, "abc"), events=events), columns, rows, colors=colors)
    assert len(shown) <= rows
    plain = draw(frame(*map(replica, "abc"), events=events), columns, rows, colors=False)
    assert max(map(len, plain)) <= columns
    assert any("\x1b[" in line for line in shown) is colors


def test_the_screen_before_the_first_tick():
    shown = draw(frame(moments=(), phase="starting a broker"), 80, 24, colors=False)
    assert len(shown) == 1
    assert "starting a broker" in shown[0]


def report(**changes):
    facts = {
        "seconds": 100.0,
        "interrupted": False,
        "tasks": Toll(sent=10, finished=10, waiting=0, lost=0, killed=0, twice=0),
        "decisions": 3,
        "first_decision_seconds": 0.5,
        "most_replicas": 5,
        "worker_seconds": 250.0,
        "static_worker_seconds": 500.0,
        "bursts": (Burst(tasks=50, in_time=10, replicas=1), Burst(0, 0, replicas=5)),
        "complaints": ("it said so",),
        **changes,
    }
    return Report(**facts)


def test_the_end_of_a_good_demo(capsys):
    assert conclude(report(), as_json=False) == 0
    told = capsys.readouterr()
    assert "10 sent, 10 finished" in told.out
    assert (
        "burst 1         1 replica when it came; 20 % of its 50 tasks began within 1 s" in told.out
    )
    assert "burst 2         5 replicas when it came; 0 % of its 0 tasks" in told.out
    assert "250, which is 50 % of a static fleet's 500" in told.out
    assert told.err == ""
    assert conclude(report(), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["clean"] is True


def test_the_end_of_one_that_lost_a_task(capsys):
    lost = Toll(sent=10, finished=9, waiting=0, lost=1, killed=0, twice=0)
    assert conclude(report(tasks=lost), as_json=False) == 1
    told = capsys.readouterr()
    assert "1 lost, 0 killed, 0 run twice" in told.out
    assert told.err == "it said so\n", "what the daemon complained of"


def test_the_end_of_one_that_was_interrupted_before_it_began(capsys):
    waiting = Toll(sent=10, finished=3, waiting=7, lost=0, killed=0, twice=0)
    early = report(interrupted=True, tasks=waiting, static_worker_seconds=0.0, worker_seconds=0.0)
    assert conclude(early, as_json=False) == 130
    assert "while 7 tasks were waiting" in capsys.readouterr().out


@pytest.mark.parametrize("length", ["9", "3601", "nan", "soon"])
def test_a_length_that_makes_no_sense_is_refused(length, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--seconds", length])
    assert ended.value.code == 2
    assert "must be seconds, from 10 to 3600" in capsys.readouterr().err

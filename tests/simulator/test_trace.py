"""The trace format: read, written, and refused with a line and a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.errors import ConfigError
from autoscaler.simulator.trace import Trace, TraceTask, load, write

HEADER = "id,submit_s,duration_s,queue,deps,key\n"
TASKS = (
    TraceTask("a", 1.0, 2.5, "default", (), "dag.group.first"),
    TraceTask("b", 1.0, 3.0, "default", ("a", "c"), "dag.group.second"),
    TraceTask("c", 4.25, 0.0, "heavy", (), "other"),
)


@pytest.mark.parametrize("name", ["day.csv", "day.csv.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(Trace("day", TASKS), path)
    first = path.read_bytes()
    trace = load(path)
    write(trace, path)
    assert trace == Trace("day", TASKS)
    assert path.read_bytes() == first
    assert (trace.queues, trace.span, trace.has_deps) == (("default", "heavy"), 4.25, True)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ":1: trace: column id, submit_s, duration_s, queue, deps, key is missing"),
        ("id,queue\n", ":1: trace: column submit_s, duration_s, deps, key is missing"),
        (HEADER, ":1: trace: no task is in it"),
        (HEADER + "a,1,1,q,\n", ":2: trace: 5 fields, where the first line names 6"),
        (HEADER + "a,x,1,q,,k\n", ":2: trace: submit_s is 'x'; write seconds"),
        (HEADER + "a,1,-1,q,,k\n", ":2: trace: duration_s is '-1'; write seconds"),
        (HEADER + "a,1,inf,q,,k\n", ":2: trace: duration_s is 'inf'; write seconds"),
        (HEADER + ",1,1,q,,k\n", ":2: trace: id and queue must not be empty"),
        (HEADER + "a,1,1,q,,k\na,1,1,q,,k\n", ":3: trace: id a is in line 2 already"),
        (HEADER + "a,2,1,q,,k\nb,1,1,q,,k\n", ":3: trace: submit_s is less than in the line"),
        (HEADER + "a,1,1,q,z,k\n", ":2: trace: deps: no task has the id z"),
        (HEADER + "c,1,1,q,,k\na,1,1,q,b,k\nb,1,1,q,a,k\n", ":3: trace: deps: task a waits for"),
        (HEADER + 'a,"1', ":2: trace: no CSV: "),
    ],
)
def test_a_wrong_trace_is_refused_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}{fault}")


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    latin, cut = tmp_path / "latin.csv", tmp_path / "cut.csv.gz"
    latin.write_bytes(b"\xff")
    write(Trace("day", TASKS), cut)
    cut.write_bytes(cut.read_bytes()[:40])
    for path, why in (
        (latin, "not UTF-8; save it as UTF-8"),
        (cut, "cannot be read: Compressed file ended"),
        (tmp_path / "none.csv", "cannot be read: No such file or directory"),
    ):
        with pytest.raises(ConfigError, match=why):
            load(path)


def test_the_first_part_of_a_trace_waits_for_nothing_that_is_left_out() -> None:
    part = Trace("day", TASKS).until(2)
    assert [task.id for task in part.tasks] == ["a", "b"]
    assert part.tasks[1].deps == ("a",)

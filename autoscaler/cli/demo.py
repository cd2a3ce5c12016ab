"""`autoscaler demo`: a broker, workers, two bursts of tasks, and the daemon, before your eyes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from typing import TextIO

from autoscaler.cli.demo_screen import Frame, draw, one_line
from autoscaler.demo.ledger import IN_TIME_SECONDS, Burst
from autoscaler.demo.show import Report, Show
from autoscaler.demo.story import Event

EXAMPLES = """\
examples:
  autoscaler demo                        100 seconds; on a terminal, a live screen
  autoscaler demo --no-timetable         the same, without knowing when the bursts come
  autoscaler demo --seconds 40 --json    the report alone

The config is an ordinary one, with shorter windows: config/demo.yaml of the repository.

exit codes: 0 every task ran to its end, once; 1 one was lost, killed or run twice; 130 interrupted
"""
LEAST_SECONDS, MOST_SECONDS = 10, 3600
REDRAW_SECONDS = 0.25
INTERRUPTED = 130
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME, END_OF_LINE, BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("--seconds", type=_length, default=100, help="how long (default: 100)")
    parser.add_argument("--seed", type=int, default=1, help="of the load (default: 1)")
    parser.add_argument(
        "--no-timetable",
        action="store_true",
        help="do not tell the daemon when the bursts are due: it reacts, and tasks wait",
    )
    parser.add_argument("--json", action="store_true", help="print only the report, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Show it; 0 when every task ran to its end once, 1 when not, 130 when interrupted."""
    return conclude(asyncio.run(_shown(arguments)), as_json=arguments.json)


def conclude(report: Report, *, as_json: bool) -> int:
    """Print what came of it; returns the exit code."""
    print(json.dumps(report.document(), indent=2) if as_json else _summary(report))
    if report.interrupted:
        return INTERRUPTED
    if not report.clean:
        print("\n".join(report.complaints), file=sys.stderr)
    return 0 if report.clean else 1


async def _shown(arguments: argparse.Namespace) -> Report:
    events: list[Event] = []
    live = not arguments.json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def tell(event: Event) -> None:
        events.append(event)
        if not live and not arguments.json:
            print(one_line(event), flush=True)

    foresee = not arguments.no_timetable
    show = Show(arguments.seconds, arguments.seed, tell, foresee=foresee)
    if not live:
        return await show.run()
    with _screen(sys.stdout) as out:
        drawing = asyncio.create_task(_keep_drawing(out, show, events))
        try:
            report = await show.run()
        finally:
            drawing.cancel()
    print("\n".join(one_line(event) for event in events))
    return report


@contextlib.contextmanager
def _screen(out: TextIO) -> Iterator[TextIO]:
    """The terminal's other screen, so that nothing of what was on it is lost."""
    out.write(ENTER)
    try:
        yield out
    finally:
        out.write(LEAVE)
        out.flush()


async def _keep_drawing(out: TextIO, show: Show, events: list[Event]) -> None:
    colors = "NO_COLOR" not in os.environ
    while True:
        columns, rows = shutil.get_terminal_size()
        lines = draw(_frame(show, events), columns, rows, colors=colors)
        out.write(HOME + f"{END_OF_LINE}\n".join(lines) + END_OF_LINE + BELOW)
        out.flush()
        await asyncio.sleep(REDRAW_SECONDS)


def _frame(show: Show, events: list[Event]) -> Frame:
    return Frame(
        elapsed=show.elapsed,
        length=show.length,
        moments=show.story.moments,
        events=events,
        sent=show.sent,
        ended=show.ended,
        phase=show.phase,
        address=show.address,
    )


def _summary(report: Report) -> str:
    tasks = report.tasks
    share = 100 * report.worker_seconds / max(1.0, report.static_worker_seconds)
    static = f"{share:.0f} % of a static fleet's {report.static_worker_seconds:.0f}"
    first = report.first_decision_seconds
    lines = [
        f"tasks           {tasks.sent} sent, {tasks.finished} finished",
        f"                {tasks.lost} lost, {tasks.killed} killed, {tasks.twice} run twice",
        *(
            f"burst {number}         {_punctual(each)}"
            for number, each in enumerate(report.bursts, 1)
        ),
        f"decisions       {report.decisions}, the first after {first or 0:.1f} s",
        f"replicas        {report.most_replicas} at most",
        f"worker-seconds  {report.worker_seconds:.0f}, which is {static}",
    ]
    if report.interrupted:
        lines.append(f"interrupted     while {tasks.waiting} tasks were waiting")
    return "\n".join(lines)


def _punctual(burst: Burst) -> str:
    share = 100 * burst.in_time / max(1, burst.tasks)
    met = f"{burst.replicas} replica{'s' if burst.replicas != 1 else ''} when it came"
    return f"{met}; {share:.0f} % of its {burst.tasks} tasks began within {IN_TIME_SECONDS:g} s"


def _length(text: str) -> float:
    message = f"must be seconds, from {LEAST_SECONDS} to {MOST_SECONDS}, not {text!r}"
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(message) from None
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(message)
    return seconds

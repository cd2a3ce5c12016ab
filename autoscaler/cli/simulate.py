"""`autoscaler simulate`: what a config would have made of a trace, and rivals beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from autoscaler.cli.failure import Exit, Failure
from autoscaler.cli.table import BOLD, GREEN, RED, Cell, table
from autoscaler.cli.traces import add_trace_arguments, trace_of
from autoscaler.engine.wording import count, span

if TYPE_CHECKING:
    from autoscaler.config import Config
    from autoscaler.simulator.contest import Standing
    from autoscaler.simulator.timeline import Timeline
    from autoscaler.simulator.trace import Trace
    from autoscaler.simulator.world import World

EXAMPLES = """\
examples:
  autoscaler simulate --generate bursts --against keda,mwaa
  autoscaler simulate --trace week.csv.gz --slots 8 --max 40
  autoscaler simulate -c autoscaler.yaml --trace week.csv.gz
  autoscaler simulate -c autoscaler.yaml --trace week.csv.gz --against keda,mwaa --seeds 1,2,3
  autoscaler simulate --trace week.csv.gz --against all --html week.html

rivals: keda, keda-drain, keda-cron, hpa, aws, mwaa, static, clairvoyant; or all

a trace is a CSV file, sorted by submit_s:
  id,submit_s,duration_s,queue,deps,key
  1,0.5,42,default,,etl.load.customers
  2,0.5,10,default,1,etl.load.report

a30, a120, a300: the share of tasks that started within so many seconds of being ready, and were
never killed. cost: worker-hours from launch to end. docs/simulation.md has the whole story.

exit codes: 0 done, 2 the config or the trace is wrong
"""
HEADERS = ("", "a30", "a120", "a300", "p95", "cost", "ratio", "kills", "launches", "flaps")
BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "-c",
        "--config",
        metavar="CONFIG",
        type=Path,
        help="whose fleets and policies to simulate; left out: a default fleet for each queue",
    )
    add_trace_arguments(parser)
    parser.add_argument(
        "--against",
        metavar="NAMES",
        type=_names,
        default=(),
        help="rivals to run beside it, joined by commas, or all",
    )
    parser.add_argument(
        "--seeds",
        metavar="NUMBERS",
        type=numbers,
        default=(1,),
        help="of starts and placement, joined by commas; what is shown is the mean (default: 1)",
    )
    _add_sizes(parser)
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="also write a page with pictures to this file"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    """How large fleets are that no config describes."""
    parser.add_argument(
        "--slots",
        metavar="N",
        type=_positive,
        default=4,
        help="tasks that a worker runs at once, where no config says it (default: 4)",
    )
    parser.add_argument(
        "--max",
        metavar="N",
        type=_most,
        help="the most workers of a queue, without a config: of each, or by queue, as in"
        " default=40,heavy=4 (default: as many as the peak of its tasks needs)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Replay the trace, and show what came of it."""
    from autoscaler.simulator.contest import yardstick  # noqa: PLC0415 - the controller
    from autoscaler.simulator.report import page  # noqa: PLC0415 - the controller
    from autoscaler.simulator.rivals import RIVALS  # noqa: PLC0415 - the controller

    against = tuple(RIVALS) if arguments.against == ("all",) else arguments.against
    if unknown := [name for name in against if name not in RIVALS]:
        raise Failure(
            f"no rival is called {', '.join(unknown)}",
            f"there are: {', '.join(RIVALS)}",
            Exit.USAGE,
        )
    trace = trace_of(arguments)
    standings, timelines = _played(arguments, trace, against)
    best = yardstick(standings)
    if arguments.html:
        _write(arguments.html, page(trace, standings, timelines, best))
    if arguments.json:
        print(json.dumps(_document(trace, standings, best)))
    else:
        print(*_lines(trace, standings, best), sep="\n")
    return Exit.DONE


def _played(
    arguments: argparse.Namespace, trace: Trace, against: Sequence[str]
) -> tuple[list[Standing], dict[str, Timeline]]:
    """What came of ours and each rival, and what that looked like with the first seed."""
    from autoscaler.simulator.contest import contest  # noqa: PLC0415 - the controller
    from autoscaler.simulator.production import rules_of  # noqa: PLC0415 - the controller
    from autoscaler.simulator.timeline import Timeline  # noqa: PLC0415 - the controller

    config, seeds = _config(arguments, trace), arguments.seeds
    rules = rules_of(config, trace, arguments.slots)
    progress = Progress(1 + len(against), seeds)
    timelines: dict[str, Timeline] = {}

    def over(name: str, world: World) -> None:
        if arguments.html and world.seed == seeds[0]:
            timelines[name] = Timeline.of(world)

    shown = progress.show
    standings = list(contest(config, trace, rules, against, seeds, progress=shown, over=over))
    progress.clear()
    return standings, timelines


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(f"{path} cannot be written: {why}", code=Exit.USAGE) from error


def _config(arguments: argparse.Namespace, trace: Trace) -> Config:
    from autoscaler.simulator.production import (  # noqa: PLC0415 - the controller
        default_config,
        load_fleets,
    )
    from autoscaler.simulator.zero_wait import peaks  # noqa: PLC0415 - only for this command

    if arguments.config is not None:
        return load_fleets(arguments.config)
    most = arguments.max or peaks(trace, arguments.slots)
    return default_config(trace, arguments.slots, most)


class Progress:
    """One line on a terminal that says how far it is; nothing for everything else."""

    def __init__(self, contenders: int, seeds: Sequence[int]) -> None:
        self._runs = contenders * len(seeds)
        self._seeds = seeds
        self._done: set[tuple[str, int]] = set()
        self._shown = sys.stderr.isatty()

    def show(self, name: str, seed: int, share: float) -> None:
        """Draw it anew."""
        self._done.discard((name, seed))
        whole = (len(self._done) + share) / self._runs
        if share == 1:
            self._done.add((name, seed))
        if self._shown:
            full = round(BAR * whole)
            bar = "█" * full + "░" * (BAR - full)
            which = f", seed {seed}" if len(self._seeds) > 1 else ""
            print(f"\r\x1b[K{bar} {whole:4.0%}  {name}{which}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave the line to what comes next."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _document(
    trace: Trace, standings: Sequence[Standing], yardstick: Standing
) -> dict[str, object]:
    ratios = _ratios(standings, yardstick.worker_hours)
    return {
        "trace": trace.name,
        "tasks": len(trace.tasks),
        "days": trace.span / 86_400,
        "ratio_to": yardstick.name,
        "results": [
            {**asdict(each), "cost_ratio": ratio}
            for each, ratio in zip(standings, ratios, strict=True)
        ],
    }


def _lines(trace: Trace, standings: Sequence[Standing], yardstick: Standing) -> Iterator[str]:
    tasks, queues = count(len(trace.tasks), "task"), count(len(trace.queues), "queue")
    yield f"{trace.name}: {tasks} on {queues} within {span(trace.span)}"
    yield ""
    ratios = _ratios(standings, yardstick.worker_hours)
    yield table(HEADERS, [_row(one, ratio) for one, ratio in zip(standings, ratios, strict=True)])
    yield ""
    yield f"cost in worker-hours, ratio to {yardstick.name}; launches and flaps a day"


def _row(one: Standing, ratio: float) -> list[Cell]:
    return [
        (BOLD, one.name),
        *(f"{100 * one.within[seconds]:.1f}" for seconds in (30, 120, 300)),
        f"{one.waits[0.95]:.0f}",
        f"{one.worker_hours:.1f}",
        f"{ratio:.2f}",
        (RED if one.kills else GREEN, f"{one.kills:.0f}"),
        f"{one.launches_a_day:.0f}",
        f"{one.flaps_a_day:.0f}",
    ]


def _ratios(standings: Sequence[Standing], cost: float) -> list[float]:
    return [one.worker_hours / cost if cost else 0.0 for one in standings]


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers joined by commas, each once. Raises ArgumentTypeError."""
    try:
        return tuple(dict.fromkeys(int(number) for number in text.split(",")))
    except ValueError:
        message = f"must be whole numbers joined by commas, such as 1,2,3, not {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _most(text: str) -> int | dict[str, int]:
    if "=" not in text:
        return _positive(text)
    pairs = (pair.partition("=") for pair in text.split(","))
    return {queue.strip(): _positive(number) for queue, _, number in pairs}


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number

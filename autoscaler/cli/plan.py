"""`autoscaler plan`: in what a new config differs, and what it would have made of some work."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autoscaler.cli.differences import Difference, differences
from autoscaler.cli.failure import Exit, Failure
from autoscaler.cli.gates import broken, gate, measures
from autoscaler.cli.simulate import Progress, numbers
from autoscaler.cli.table import BOLD, RED, Cell, table
from autoscaler.cli.traces import add_trace_arguments, trace_of

if TYPE_CHECKING:
    from autoscaler.simulator.trace import Trace

EXAMPLES = """\
examples:
  autoscaler plan new.yaml --from autoscaler.yaml
  autoscaler plan new.yaml --from autoscaler.yaml --trace week.csv.gz
  autoscaler plan new.yaml --from autoscaler.yaml --generate cron --gate a30=-0.5 --gate cost=+5%

With a trace both are replayed through the daemon's own controller. A gate says by how much the new
one may be worse, in percent or in the measure's unit; tasks killed may never become more. Of both
the fleets are checked; `autoscaler check` sees to the rest. Texts that may be secret are not shown.

exit codes: 0 done, 1 a gate is broken, 2 a config, the trace or a gate is wrong
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("new", metavar="NEW", type=Path, help="the config that is to come")
    parser.add_argument(
        "--from", dest="old", metavar="OLD", type=Path, required=True, help="the one there is"
    )
    add_trace_arguments(parser, required=False)
    parser.add_argument(
        "--seeds", metavar="NUMBERS", type=numbers, default=(1,), help="as of simulate (default: 1)"
    )
    parser.add_argument(
        "--gate",
        metavar="MEASURE=CHANGE",
        type=gate,
        action="append",
        default=[],
        help="the most that a measure may get worse, as in a30=-0.5 or cost=+5%%",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def run(arguments: argparse.Namespace) -> int:
    """Show both, and judge. Raises Failure for gates with nothing to judge by, and ConfigError."""
    from autoscaler.simulator.production import load_fleets  # noqa: PLC0415 - the controller

    replays = arguments.trace or arguments.generate
    if arguments.gate and not replays:
        raise Failure(
            "a gate judges a replay, and there is nothing to replay",
            "add --trace FILE, or --generate cron",
            Exit.USAGE,
        )
    for path in (arguments.old, arguments.new):
        load_fleets(path)
    changed = differences(arguments.old, arguments.new)
    replayed: dict[str, dict[str, float]] = {}
    if replays:
        replayed = _replayed(arguments, trace_of(arguments))
    wrong = list(broken(arguments.gate, **replayed)) if replayed else []
    if arguments.json:
        keys = ("path", "before", "after")
        told = [dict(zip(keys, each, strict=True)) for each in changed]
        print(json.dumps({"differences": told, "replayed": replayed, "broken": wrong}))
    else:
        _show(changed, replayed, wrong)
    return Exit.NOT_SO if wrong else Exit.DONE


def _replayed(arguments: argparse.Namespace, trace: Trace) -> dict[str, dict[str, float]]:
    from autoscaler.simulator.contest import contest  # noqa: PLC0415 - the controller
    from autoscaler.simulator.production import load_fleets, rules_of  # noqa: PLC0415 - as above

    progress = Progress(2, arguments.seeds)
    found = {}
    for name, path in (("before", arguments.old), ("after", arguments.new)):
        config = load_fleets(path)
        rules = rules_of(config, trace)

        def show(_: str, seed: int, share: float, name: str = name) -> None:
            progress.show(name, seed, share)

        [standing] = contest(config, trace, rules, seeds=arguments.seeds, progress=show)
        found[name] = measures(standing)
    progress.clear()
    return found


def _show(
    changed: list[Difference], replayed: Mapping[str, Mapping[str, float]], wrong: list[str]
) -> None:
    if changed:
        print(table(("path", "before", "after"), [((BOLD, path), *was) for path, *was in changed]))
    else:
        print("the configs do not differ")
    if replayed:
        print()
        print(table(("measure", "before", "after", "change"), _rows(**replayed)))
    for each in wrong:
        print(f"broken: {each}")


def _rows(before: Mapping[str, float], after: Mapping[str, float]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for name, was in before.items():
        said = f"{after[name] - was:+.1f}"
        change: Cell = (RED, said) if name == "kills" and after[name] > was else said
        rows.append([(BOLD, name), f"{was:.1f}", f"{after[name]:.1f}", change])
    return rows

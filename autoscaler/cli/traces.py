"""Which trace a command is about: a file's, or one that is made up from a seed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from autoscaler.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from autoscaler.simulator.trace import Trace


def add_trace_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """A file, or a class of work; and where to keep what was made."""
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--trace", metavar="FILE", type=Path, help="the tasks, as CSV or CSV.GZ")
    which.add_argument(
        "--generate",
        metavar="CLASS[:SEED]",
        help="or tasks made up from a seed: cron, long, smooth or bursts, as in cron:7",
    )
    parser.add_argument(
        "--days", metavar="N", type=_days, help="of what is generated (default: 4; of bursts 1)"
    )
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help="keep the trace in this file, as CSV or CSV.GZ"
    )


def trace_of(arguments: argparse.Namespace) -> Trace:
    """The one that is meant, kept if that is asked for. Raises ConfigError, Failure."""
    from autoscaler.simulator.trace import load, write  # noqa: PLC0415 - only for this command

    trace = load(arguments.trace) if arguments.trace else _generated(arguments)
    if arguments.save is not None:
        try:
            write(trace, arguments.save)
        except OSError as error:
            remedy = "name a file that can be written"
            raise Failure(f"{arguments.save}: {error.strerror}", remedy, Exit.USAGE) from error
    return trace


def _generated(arguments: argparse.Namespace) -> Trace:
    from autoscaler.simulator.generators.known import GENERATORS  # noqa: PLC0415 - as above

    name, _, seed = arguments.generate.partition(":")
    if name not in GENERATORS:
        known = ", ".join(GENERATORS)
        raise Failure(f"no class of work is called {name}", f"there are: {known}", Exit.USAGE)
    if seed and not seed.isdecimal():
        raise Failure(f"the seed {seed} is no whole number", f"write {name}:7", Exit.USAGE)
    generator = GENERATORS[name]
    return generator.make(int(seed or 1), arguments.days or generator.days)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 366:
        raise argparse.ArgumentTypeError(f"must be a number of days up to 366, not {text!r}")
    return days

"""`autoscaler explain`: the answers to why this number, why not more, why not fewer."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from autoscaler.cli.client import (
    Client,
    Document,
    add_client_arguments,
    add_fleet_argument,
    fleet_path,
)
from autoscaler.cli.failure import Exit, Failure
from autoscaler.cli.table import BOLD, DIM, YELLOW, Cell, Part, colors_on, painted, table
from autoscaler.cli.times import moment
from autoscaler.clock import Clock

EXAMPLES = """\
examples:
  autoscaler explain default                 now
  autoscaler explain default --at 2h         two hours ago
  autoscaler explain default --at 14:03      at that time, in UTC
  autoscaler explain default --at 2026-11-22T14:03:20+01:00
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    add_fleet_argument(parser)
    parser.add_argument("--at", metavar="TIME", help="as it was then (see the examples)")
    add_client_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask and show."""
    at = None
    if arguments.at is not None:
        try:
            at = moment(arguments.at, Clock().now())
        except ValueError as error:
            raise Failure(str(error), code=Exit.USAGE) from error
    document = Client(arguments.url).get(f"{fleet_path(arguments.fleet)}/explain", at=at)
    print(json.dumps(document) if arguments.output == "json" else _told(document))
    return 0


def _told(document: Document) -> str:
    colors = colors_on(sys.stdout)
    lines = [painted(line, sys.maxsize, colors=colors) for line in _lines(document)]
    steps = table(("stage", "from", "to", "reason", "because"), map(_step, document["steps"]))
    return "\n".join([*lines, steps])


def _lines(document: Document) -> Iterator[tuple[Part, ...]]:
    told = document["explanation"]
    yield (BOLD, told["summary"]), (DIM, f"  as of {told['at']}")
    for question, key, then in (
        (f"Why {document['desired']}?", "why", None),
        ("Why not more?", "why_not_more", "more_possible_at"),
        ("Why not fewer?", "why_not_fewer", "fewer_possible_at"),
    ):
        yield ()
        yield ((BOLD, question),)
        for sentence in told[key] or ["There is no reason; the next tick may do it."]:
            yield (("", f"  {sentence}"),)
        if then is not None and told[then] is not None:
            yield ((DIM, f"  Possible again at {told[then]}, if nothing else changes."),)
    yield ()


def _step(step: Document) -> list[Cell]:
    changed = YELLOW if step["before"] != step["after"] else ""
    return [
        str(step["stage"]),
        str(step["before"]),
        (changed, str(step["after"])),
        str(step["reason"]),
        str(step["message"]),
    ]

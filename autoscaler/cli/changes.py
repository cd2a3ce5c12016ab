"""`autoscaler pause|resume|scale|drain`: what an operator may put in the engine's place."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscaler.cli.client import Client, Document, add_client_arguments, add_fleet_argument
from autoscaler.cli.times import lasting

DEFAULT_FOR = "1h"
PAUSE_EXAMPLES = """\
examples:
  autoscaler pause default --for 2h --reason "deploy 41"
  autoscaler pause default --for forever --reason "incident 12"   until it is resumed

Decisions go on and are shown; nothing is carried out. Drains that began are left as they are.
"""
SCALE_EXAMPLES = """\
examples:
  autoscaler scale default 8 --for 30m --reason "known peak"

The number is held whatever the policies ask for, and is reached without killing a task.
"""
RESUME_EXAMPLES = """\
examples:
  autoscaler resume default
"""
DRAIN_EXAMPLES = """\
examples:
  autoscaler drain default default-3 --reason "leaks memory"

The unit takes no new tasks, finishes those it has, and leaves.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One command that changes a fleet; `body` says what of its arguments the daemon is sent."""

    action: str
    examples: str
    arguments: Callable[[argparse.ArgumentParser], None]
    body: Callable[[argparse.Namespace], Mapping[str, object]]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What the command can be told."""
        parser.epilog = self.examples + "\nIt needs the daemon's token in AUTOSCALER_TOKEN."
        add_fleet_argument(parser)
        self.arguments(parser)
        add_client_arguments(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Ask for the change, and say what is in force now."""
        client = Client(arguments.url)
        document = client.change(arguments.fleet, self.action, self.body(arguments))
        print(json.dumps(document) if arguments.output == "json" else _told(document))
        return 0


def _told(document: Document) -> str:
    before = document.get("before")
    told = str(document["message"])
    if before is None:
        return told
    what = "paused" if before["replicas"] is None else f"held at {before['replicas']}"
    return f"{told} (before: {what} by {before['actor']}: {before['reason']})"


def _needs_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, help="why, for those who find it")


def _lasts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for",
        dest="lasting",
        type=lasting,
        default=DEFAULT_FOR,
        metavar="TIME",
        help=f"how long, such as 2h or forever (default: {DEFAULT_FOR})",
    )
    _needs_reason(parser)


def _to_replicas(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("replicas", metavar="REPLICAS", type=int, help="within min and max")
    _lasts(parser)


def _of_unit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", metavar="UNIT", help="name of the unit, as `status` has it")
    _needs_reason(parser)


def _may_say_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="why, for those who find it")


def _lasting_body(arguments: argparse.Namespace) -> dict[str, object]:
    return {"reason": arguments.reason, "expires_in_seconds": arguments.lasting}


PAUSE = Change("pause", PAUSE_EXAMPLES, _lasts, _lasting_body)
RESUME = Change("resume", RESUME_EXAMPLES, _may_say_why, lambda a: {"reason": a.reason})
SCALE = Change(
    "scale", SCALE_EXAMPLES, _to_replicas, lambda a: {**_lasting_body(a), "replicas": a.replicas}
)
DRAIN = Change("drain", DRAIN_EXAMPLES, _of_unit, lambda a: {"reason": a.reason, "unit": a.unit})

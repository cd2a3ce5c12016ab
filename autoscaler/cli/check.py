"""`autoscaler check`: is the config right, and with --live: can everything it names be read?"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any

from autoscaler.cli.client import add_output_arguments
from autoscaler.cli.failure import Exit, Failure
from autoscaler.cli.found import found_lines
from autoscaler.cli.table import BOLD, GREEN, RED, YELLOW, Cell, colors_on, painted, table
from autoscaler.errors import ConfigError

if TYPE_CHECKING:
    from autoscaler.config import Config

EXAMPLES = """\
examples:
  autoscaler check autoscaler.yaml           every fault at once, with its line
  autoscaler check autoscaler.yaml --live    and one look at everything, changing nothing

exit codes: 0 right, 1 something cannot be read (--live), 2 the config is wrong
"""
Document = dict[str, Any]
WIDEST = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="YAML")
    parser.add_argument("--config", metavar="FILE", type=Path, dest="file_option", help="the same")
    parser.add_argument("--live", action="store_true", help="read every source and target once")
    add_output_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say everything that is wrong, or what the config amounts to."""
    from autoscaler.config import load  # noqa: PLC0415 - imports pydantic

    path = arguments.file or arguments.file_option
    if path is None:
        hint = "autoscaler check autoscaler.yaml"
        raise Failure("say which file to check", hint, Exit.USAGE)
    try:
        config = load(path)
    except ConfigError as error:
        if arguments.output != "json":
            raise
        print(json.dumps({"valid": False, "faults": list(error.faults)}))
        return Exit.USAGE
    document = _summary(config)
    if arguments.live:
        from autoscaler.cli.look import look  # noqa: PLC0415 - imports the controller

        document["live"] = look(config)
    print(json.dumps(document) if arguments.output == "json" else _told(path, document))
    unread = [each for each in document.get("live", {}).get("systems", ()) if not each["up"]]
    return Exit.NOT_SO if unread else Exit.DONE


def _summary(config: Config) -> Document:
    return {
        "valid": True,
        "warnings": list(config.warnings()),
        "interval_seconds": config.interval_seconds,
        "dry_run": config.dry_run,
        "sources": {name: source.kind for name, source in config.sources.items()},
        "fleets": [
            {
                "name": fleet.name,
                "queues": None if fleet.queues is None else list(fleet.queues),
                "min_replicas": fleet.min_replicas,
                "max_replicas": fleet.max_replicas,
                "slots_per_replica": fleet.slots_per_replica,
                "target": fleet.target.kind,
                "policies": [policy.kind for policy in fleet.policies],
            }
            for fleet in config.fleets
        ],
        "checks": sorted(config.enabled_checks()),
        "notifiers": [notifier.kind for notifier in config.notifiers],
    }


def _told(path: Path, document: Document) -> str:
    return "\n".join(_lines(path, document))


def _lines(path: Path, document: Document) -> Iterator[str]:
    colors = colors_on(sys.stdout)
    yield painted([(GREEN, f"{path} is right")], sys.maxsize, colors=colors)
    yield ""
    headers = ("fleet", "queues", "replicas", "slots", "target", "policies")
    yield table(headers, map(_fleet_row, document["fleets"]))
    yield ""
    named = ", ".join(f"{name} ({kind})" for name, kind in document["sources"].items())
    yield f"sources    {named or 'none'}"
    yield f"checks     {len(document['checks'])}"
    yield f"notifiers  {', '.join(document['notifiers']) or 'none: alerts are only shown'}"
    for warning in document["warnings"]:
        yield painted([(YELLOW, f"warning: {warning}")], sys.maxsize, colors=colors)
    if "live" in document:
        yield ""
        yield from _live_lines(document["live"], colors=colors)


def _live_lines(live: Document, *, colors: bool) -> Iterator[str]:
    yield table(("name", "kind", "state", "found"), map(_system_row, live["systems"]))
    yield ""
    yield from found_lines(live["found"])
    for fleet in live["fleets"]:
        yield ""
        yield fleet["summary"]
        yield from (f"  {sentence}" for sentence in fleet["why"])
    if live["findings"]:
        yield ""
    for finding in live["findings"]:
        remedy = f" -> {finding['remedy']}" if finding["remedy"] else ""
        text = f"{finding['severity']}: {finding['summary']}{remedy}"
        yield painted([(YELLOW, text)], sys.maxsize, colors=colors)
    yield from _advice_lines(live["advice"], colors=colors)


def _advice_lines(advice: list[Document], *, colors: bool) -> Iterator[str]:
    if advice:
        yield ""
        yield painted([(BOLD, "Advice")], sys.maxsize, colors=colors)
    for each in advice:
        columns = min(shutil.get_terminal_size().columns, WIDEST)
        yield from wrap(each["text"], columns, initial_indent="- ", subsequent_indent="  ")
        if each["yaml"]:
            yield ""
            yield indent(each["yaml"], "  ")
            yield ""


def _fleet_row(fleet: Document) -> list[Cell]:
    return [
        str(fleet["name"]),
        "found" if fleet["queues"] is None else ", ".join(fleet["queues"]) or "-",
        f"{fleet['min_replicas']}..{fleet['max_replicas']}",
        "measured" if fleet["slots_per_replica"] is None else str(fleet["slots_per_replica"]),
        str(fleet["target"]),
        ", ".join(fleet["policies"]),
    ]


def _system_row(system: Document) -> list[Cell]:
    state: Cell = (GREEN, "up") if system["up"] else (RED, "down")
    return [str(system["name"]), str(system["kind"]), state, str(system["found"])]

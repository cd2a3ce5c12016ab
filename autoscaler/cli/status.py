"""`autoscaler status`: every fleet in one line, and what is wrong."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from threading import Event

from autoscaler.cli.client import (
    Client,
    Document,
    add_client_arguments,
    add_fleet_argument,
    fleet_path,
)
from autoscaler.cli.table import (
    DIM,
    GREEN,
    RED,
    YELLOW,
    Cell,
    Part,
    colors_on,
    painted,
    sparkline,
    table,
)
from autoscaler.engine.wording import count, span

EXAMPLES = """\
examples:
  autoscaler status                 every fleet
  autoscaler status default         one fleet, and its replicas
  autoscaler status --watch         again every 2 seconds, until Ctrl-C
  autoscaler status --json | jq '.fleets[] | {name, current, desired}'
"""
HEADERS = (
    "fleet",
    "demand",
    "now",
    "want",
    "ready",
    "drain",
    "waiting",
    "running",
    "oldest",
    "why",
)
REPLICA_HEADERS = ("unit", "state", "tasks", "held", "worker", "still runs")
FAULTS = ("failed", "refused", "frozen", "error")
TREND_WIDTH = 12
WATCH_SECONDS = 2.0
SAID_BY_NUMBERS = (None, "none", "workers")
STALE_SECONDS = 60.0
CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    add_fleet_argument(parser, nargs="?")
    parser.add_argument(
        "-w",
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=float,
        const=WATCH_SECONDS,
        help="show it again and again (default: every 2 seconds)",
    )
    add_client_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it once, or until interrupted."""
    client = Client(arguments.url)
    if arguments.watch is None:
        print(_shown(client, arguments))
        return 0
    pause = Event()
    while True:
        live = sys.stdout.isatty() and arguments.output == "table"
        print((CLEAR if live else "") + _shown(client, arguments), flush=True)
        pause.wait(max(0.1, arguments.watch))


def _shown(client: Client, arguments: argparse.Namespace) -> str:
    if arguments.fleet is None:
        document, replicas = client.get("/fleets"), ""
        fleets = document["fleets"]
    else:
        document = client.get(fleet_path(arguments.fleet))
        fleets = [document["fleet"]]
        rows = [_replica_row(replica) for replica in document["replicas"]]
        replicas = f"\n{table(REPLICA_HEADERS, rows)}\n"
    health = client.get("/health")
    if arguments.output == "json":
        return json.dumps({**document, "health": health})
    colors = colors_on(sys.stdout)
    notes = (
        painted((note,), sys.maxsize, colors=colors) for note in _notes(document, fleets, health)
    )
    return "\n".join([table(HEADERS, map(_row, fleets)), replicas, *notes])


def _replica_row(replica: Document) -> list[Cell]:
    color, state = _state(replica)
    slots = "" if replica["slots"] is None else f"/{replica['slots']}"
    return [
        str(replica["name"]),
        (color, state),
        _number(replica["busy"]) + slots,
        _number(replica["reserved"]),
        replica["worker"] or "-",
        ", ".join(map(_task, replica["tasks"])),
    ]


def _task(task: Document) -> str:
    seconds = task["running_seconds"]
    return str(task["name"]) if seconds is None else f"{task['name']} ({span(seconds)})"


def _state(replica: Document) -> Part:
    if replica["phase"] != "running":
        return DIM, str(replica["phase"])
    if replica["silent"]:
        return RED, "silent"
    if replica["draining_since"] is not None:
        return YELLOW, "draining"
    return (GREEN, "ready") if replica["ready"] else (DIM, "starting")


def _row(fleet: Document) -> list[Cell]:
    now, wanted = fleet["current"], fleet["desired"]
    unsettled = YELLOW if now != wanted else GREEN
    oldest = fleet["oldest_task_age_seconds"]
    return [
        str(fleet["name"]),
        (GREEN, sparkline(fleet["trend"], TREND_WIDTH)),
        _number(now),
        (unsettled, str(wanted)),
        _number(fleet["ready"]),
        _number(fleet["draining"]),
        _number(fleet["waiting_tasks"]),
        _number(fleet["running_tasks"]),
        "-" if oldest is None else span(oldest),
        _why(fleet),
    ]


def _why(fleet: Document) -> Cell:
    override = fleet["override"]
    if override is not None:
        what = "paused" if override["replicas"] is None else f"held at {override['replicas']}"
        until = override["expires_at"] or "resumed"
        return YELLOW, f"{what} by {override['actor']} until {until}: {override['reason']}"
    if fleet["missing"]:
        return RED, f"nothing is lowered, unknown: {', '.join(fleet['missing'])}"
    if fleet["result"] in FAULTS:
        return RED, f"{fleet['result']}, see `autoscaler explain {fleet['name']}`"
    return str(fleet["message"])


def _notes(document: Document, fleets: list[Document], health: Document) -> Iterator[Part]:
    age = document["age_seconds"]
    fresh = f"last tick {span(age)} ago, {health['status']}"
    if age > STALE_SECONDS:
        yield RED, f"these numbers are old: the last tick began {span(age)} ago"
    else:
        yield DIM if health["status"] == "healthy" else YELLOW, fresh
    if any(fleet["result"] == "dry_run" for fleet in fleets):
        yield YELLOW, "this is a dry run: what is decided is not carried out"
    if not document["leader"]:
        yield YELLOW, "this daemon does not lead: it decides, and another one acts"
    for fleet in fleets:
        if fleet["verdict"] not in SAID_BY_NUMBERS:
            yield YELLOW, f"{fleet['name']}: {fleet['verdict_message']}"
    yield from _learned(document, fleets)
    findings = health["findings"]
    if not any(finding["check"] == "source_down" for finding in findings):
        yield from _down(health["sources"])
    for remedy, group in groupby(findings, key=itemgetter("remedy")):
        for finding in group:
            color = RED if finding["severity"] == "critical" else YELLOW
            yield color, f"{finding['severity']}: {finding['summary']}"
        if remedy:
            yield DIM, f"  {remedy}"


def _learned(document: Document, fleets: list[Document]) -> Iterator[Part]:
    for source, dags in document.get("known_dags", {}).items():
        yield DIM, f"{source}: the footprints of {count(dags, 'DAG')} are known"
    for fleet in fleets if "known_dags" not in document else ():
        if fleet["start_up"] is not None:
            half, most = (span(fleet["start_up"][key]) for key in ("p50_seconds", "p90_seconds"))
            starts = count(fleet["start_up"]["starts"], "start")
            yield DIM, f"of the last {starts} half took up to {half}, nine of ten up to {most}"


def _down(sources: list[Document]) -> Iterator[Part]:
    for source in sources:
        if not source["up"]:
            age = source["age_seconds"]
            since = "" if age is None else f" for {span(age)}"
            yield RED, f"{source['name']} is down{since}: {source['why']}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"

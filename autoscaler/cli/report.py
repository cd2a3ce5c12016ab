"""`autoscaler report right-size`: what pods should ask for, as a patch to review."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import yaml

from autoscaler.cli.client import (
    Client,
    Document,
    add_client_arguments,
    add_fleet_argument,
    fleet_path,
)
from autoscaler.cli.failure import Exit, Failure
from autoscaler.cli.table import table
from autoscaler.quantity import parse_quantity

EXAMPLES = """\
examples:
  autoscaler report right-size default                  what was measured, and a patch
  autoscaler report right-size default --memory 8Gi     and how many slots fit into 8 GiB
  autoscaler report right-size default > right-size.yaml
  kubectl patch statefulset airflow-worker --patch-file right-size.yaml

A patch of the pod template starts a rollout, which ends pods after their grace period, whatever
they run: look at it, and choose the time.
"""
HEADERS = ("container", "cpu p90", "ask for", "idle", "per task", "peak", "busy", "all busy", "ask")
HOUR, MEBIBYTE = 3600, 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("report", choices=("right-size",), help="which report")
    add_fleet_argument(parser)
    parser.add_argument(
        "--memory", metavar="QUANTITY", help="how many slots fit into it, such as 8Gi"
    )
    add_client_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask and show: the patch as YAML, what it rests on as comments above it."""
    memory = None if arguments.memory is None else _bytes(arguments.memory)
    path = f"{fleet_path(arguments.fleet)}/right-size"
    document = Client(arguments.url).get(path, memory=memory)
    if arguments.output == "json":
        print(json.dumps(document))
        return Exit.DONE
    if document["patch"] is None:
        raise Failure(
            f"the CPU and memory of {arguments.fleet}'s pods were not measured for ten minutes yet",
            "a source must give samples cpu and memory by pod and container:"
            " docs/kubernetes.md says how",
            Exit.NOT_SO,
        )
    for line in _comments(document["containers"], arguments.memory):
        print(f"# {line}".rstrip())
    print(yaml.safe_dump(document["patch"], sort_keys=False), end="")
    return Exit.DONE


def _bytes(text: str) -> int:
    try:
        return max(1, int(parse_quantity(text)))
    except ValueError as error:
        raise Failure(f"--memory {error}", code=Exit.USAGE) from error


def _comments(containers: list[Document], memory: str | None) -> Iterator[str]:
    yield from table(HEADERS, map(_row, containers)).splitlines()
    for one in containers:
        yield ""
        yield from _reasons(one, memory)


def _row(one: Document) -> list[str]:
    return [
        one["container"],
        _millicores(one["used_cores"]),
        _millicores(one["request_cores"]),
        _mebibytes(one["idle_bytes"]),
        "-" if one["task_bytes"] is None else _mebibytes(one["task_bytes"]),
        _mebibytes(one["peak_bytes"]),
        f"{one['busy']}/{'?' if one['slots'] is None else one['slots']}",
        _mebibytes(one["full_bytes"]),
        _mebibytes(one["memory_bytes"]),
    ]


def _reasons(one: Document, memory: str | None) -> Iterator[str]:
    name, hours = one["container"], one["measured_seconds"] / HOUR
    yield f"{name}: nine tenths of the time it used {_millicores(one['used_cores'])} or less; 15 %"
    yield "  more is asked for. CPU has no limit, which would only slow tasks down."
    yield f"  At its peak it took {_mebibytes(one['peak_bytes'])}, with {one['busy']} slots busy."
    yield "  15 % more than with all of them is asked for, and is the limit: above what they ask"
    yield "  for, pods are the first to be evicted."
    if not one["sure"]:
        yield f"  NOT SURE: measured for {hours:.1f} h; a day has peaks that were not seen yet."
    if memory is not None and one["concurrency"] is None:
        yield f"  How many slots fit into {memory} nobody knows: no task was seen to take memory."
    elif memory is not None:
        yield f"  Into {memory} fit {one['concurrency']} slots (worker_concurrency)."


def _millicores(cores: float) -> str:
    return f"{1000 * cores:.0f}m"


def _mebibytes(number: float) -> str:
    return f"{number / MEBIBYTE:.0f}Mi"

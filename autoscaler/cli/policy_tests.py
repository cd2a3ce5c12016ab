"""`autoscaler test`: cases of policies, run by the engine that runs in production."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from autoscaler.cli.failure import Exit
from autoscaler.cli.table import BOLD, DIM, GREEN, RED, Part, colors_on, painted
from autoscaler.cli.times import written
from autoscaler.engine.wording import count

if TYPE_CHECKING:
    from autoscaler.cli.case_run import CaseResult, Difference

EXAMPLES = """\
examples:
  autoscaler test config/tests/*.yaml
  autoscaler test backlog.yaml --format json

a case:
  fleet:            # as in the config, without target
    queues: [default]
    slots_per_replica: 16
    max_replicas: 20
  readings:
    - {at: 0,  waiting_tasks: 0}
    - {at: 5m, waiting_tasks: 200}
  expect:
    - {at: 5m, at_least: 4}

exit codes: 0 all pass, 1 some differ, 2 a file is wrong
"""
MOST_CHANGES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("files", metavar="CASES.yaml", nargs="+", type=Path, help="files of cases")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--json",
        action="store_const",
        const="json",
        dest="format",
        help="the same as --format json",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run every case of every file."""
    from autoscaler.cli.case_file import load_cases  # noqa: PLC0415 - imports pydantic
    from autoscaler.cli.case_run import run_case  # noqa: PLC0415 - imports the controller

    cases = [case for path in arguments.files for case in load_cases(path)]
    results = [(each.path, asyncio.run(run_case(each.case))) for each in cases]
    if arguments.format == "json":
        print(json.dumps(_document(results)))
    else:
        colors = colors_on(sys.stdout)
        for line in _lines(results):
            print(painted(line, sys.maxsize, colors=colors))
    return Exit.DONE if all(result.passed for _, result in results) else Exit.NOT_SO


def _document(results: list[tuple[Path, CaseResult]]) -> dict[str, object]:
    return {
        "passed": all(result.passed for _, result in results),
        "cases": [
            {"file": str(path), "passed": result.passed, **asdict(result)}
            for path, result in results
        ],
    }


def _lines(results: list[tuple[Path, CaseResult]]) -> Iterator[tuple[Part, ...]]:
    for path, result in results:
        state = (GREEN, "ok    ") if result.passed else (RED, "FAILED")
        yield state, ("", f"  {path}: "), (BOLD, result.name)
        for at, differences in groupby(result.differences, key=attrgetter("at")):
            yield from _difference_lines(at, list(differences))
        if not result.passed:
            yield ((DIM, f"        replicas over time: {_story(result)}"),)
    failed = sum(1 for _, result in results if not result.passed)
    yield ((RED if failed else GREEN, f"{count(len(results), 'case')}, {failed} failed"),)


def _difference_lines(at: float, differences: list[Difference]) -> Iterator[tuple[Part, ...]]:
    for difference in differences:
        yield (
            ("", f"        at {written(at)}: {difference.what}: "),
            (GREEN, f"expected {difference.expected}"),
            ("", ", "),
            (RED, f"got {difference.got}"),
        )
    for sentence in differences[0].why:
        yield ((DIM, f"          {sentence}"),)


def _story(result: CaseResult) -> str:
    shown = [f"{written(c.at)}: {c.replicas} ({c.reason})" for c in result.changes[:MOST_CHANGES]]
    return ", ".join(shown) + (", …" if len(result.changes) > MOST_CHANGES else "")

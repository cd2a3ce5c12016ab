"""Prints who starts in time, at what cost and with how many killed; see README.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

from autoscaler.cli.table import BOLD, GREEN, RED, table
from autoscaler.simulator.rivals import CLAIRVOYANT, RIVALS
from bench.quality.cases import Case, generated, in_folder
from bench.quality.rows import OURS, Row, contenders, means, play

Job = tuple[Case, str, int]
HEADERS = ("", "a30", "a120", "a300", "p95", "cost", "ratio", "kills", "/1000", "launches", "flaps")


def main(argv: Sequence[str] | None = None) -> int:
    """Play all, and print tables: each trace, each class, all."""
    arguments = _parser().parse_args(argv)
    folder, fleets = arguments.traces, arguments.fleets
    cases = list(in_folder(folder, fleets) if folder else generated(arguments.seeds))
    if arguments.only:
        cases = [case for case in cases if case.name in arguments.only]
    names = contenders(arguments.contenders, arguments.quantiles)
    if unknown := [n for n in names if n not in RIVALS and n.partition("@")[0] != OURS]:
        sys.exit(
            f"no contender is called {', '.join(unknown)}; there are {', '.join(RIVALS)}, {OURS}"
        )
    if not cases:
        sys.exit("no trace; name a folder with *.csv or *.csv.gz files by --traces")
    seeds = arguments.seeds if arguments.traces else (1,)
    jobs = [(case, name, seed) for case in cases for name in names for seed in seeds]
    rows = _with_ratios(list(_played(jobs, arguments.processes)), cases)
    order = {name: number for number, name in enumerate(names)}
    rows.sort(key=lambda row: (row.case, order[row.contender], row.seed))
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        _print(rows, names)
    return 0


def _played(jobs: Sequence[Job], processes: int) -> Iterator[Row]:
    """The rows as they are done, told of on stderr."""
    if processes == 1:
        results: Iterable[Row] = (play(*job) for job in jobs)
        yield from _told(results, len(jobs))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(play, *job) for job in jobs]
        yield from _told((future.result() for future in as_completed(futures)), len(jobs))


def _told(rows: Iterable[Row], count: int) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        print(
            f"{number}/{count} {row.case} {row.contender} seed {row.seed}: "
            f"{row.a30:.1f} % within 30 s, {row.hours:.1f} h, {row.kills:.0f} killed",
            file=sys.stderr,
            flush=True,
        )
        yield row


def _with_ratios(rows: Sequence[Row], cases: Sequence[Case]) -> list[Row]:
    """With each cost as a ratio to the yardstick of its trace."""
    hours = {row.case: row.hours for row in rows if row.contender == OURS}
    hours |= {row.case: row.hours for row in rows if row.contender == CLAIRVOYANT}
    hours |= {case.name: case.yardstick_hours for case in cases if case.yardstick_hours}
    return [
        replace(row, ratio=row.hours / hours[row.case]) if hours.get(row.case) else row
        for row in rows
    ]


def _print(rows: Sequence[Row], names: Sequence[str]) -> None:
    for title, some in _sections(rows):
        averages = [means(some, name, title) for name in names]
        print(f"\n{title}")
        print(table(HEADERS, [_cells(row) for row in averages if row is not None]))
    print("\na30..a300 in %, p95 in s, cost in worker-hours; launches and flaps a day")


def _sections(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for case in dict.fromkeys(row.case for row in rows):
        yield case, [row for row in rows if row.case == case]
    groups = dict.fromkeys(row.group for row in rows)
    if len(groups) > 1:
        for group in groups:
            yield f"class {group}, mean", [row for row in rows if row.group == group]
    yield "all, mean", list(rows)


def _cells(row: Row) -> list[str | tuple[str, str]]:
    ratio = f"{row.ratio:.2f}" if row.ratio else "-"
    shares = (f"{share:.1f}" for share in (row.a30, row.a120, row.a300))
    return [
        (BOLD, row.contender),
        *shares,
        f"{row.p95:.0f}",
        f"{row.hours:.1f}",
        ratio,
        (RED if row.kills else GREEN, f"{row.kills:.0f}"),
        f"{row.kills_per_1000:.1f}",
        f"{row.launches:.0f}",
        f"{row.flaps:.0f}",
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    add = parser.add_argument
    add("--traces", type=Path, help="a folder of traces (default: the project's generators)")
    add("--fleets", type=Path, help="what is known of them (default: fleets.json beside them)")
    add("--only", type=_names, help="some of the traces, by name, joined by commas")
    add("--contenders", type=_names, default=(), help="some of them (default: all)")
    add("--seeds", type=_numbers, default=(1,), help="of generators, or of the world (default: 1)")
    add("--quantiles", type=_shares, default=(), help="the knob's sweep, such as 0.5,0.8,0.95,0.99")
    add("--processes", type=int, default=1, help="side by side (default: 1)")
    add("--json", action="store_true", help="print every row as JSON")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _shares(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(",") if number)


if __name__ == "__main__":
    sys.exit(main())

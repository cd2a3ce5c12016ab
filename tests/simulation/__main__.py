"""`python -m tests.simulation`: simulate seeds, replay one, or test the simulation by mutants."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.mutants import campaign
from tests.simulation.nemesis import CATALOGUE
from tests.simulation.report import failure, summary, totals
from tests.simulation.shrink import shrink
from tests.simulation.simulation import Run, simulate


def main() -> int:
    """Run as told; 1 if an invariant was broken, or a mutant that must be found was not."""
    arguments = _parser().parse_args()
    if arguments.mutants is not None:
        return _campaign(arguments)
    if arguments.replay:
        return _replay(arguments)
    runs, cpu_seconds = _simulate_all(arguments)
    figures = totals(runs, cpu_seconds)
    failing = [run for run in runs if run.violation]
    if arguments.json:
        _print([json.dumps(figures, default=str)])
    else:
        _print(summary(figures))
        for run in failing[: arguments.shown]:
            _print(failure(shrink(run)))
    return 1 if failing else 0


def _simulate_all(arguments: argparse.Namespace) -> tuple[list[Run], float]:
    """Every seed, on several processors; with the processor time it took."""
    work = [(seed, arguments.hours, arguments.only) for seed in arguments.seeds]
    runs, cpu_seconds = [], 0.0
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for run, seconds in pool.map(_one, work):
            runs.append(run)
            cpu_seconds += seconds
            if run.violation and not arguments.json:
                print(f"seed {run.seed}: {run.violation.oracle}", flush=True)
    return runs, cpu_seconds


def _one(work: tuple[int, float, frozenset[str] | None]) -> tuple[Run, float]:
    before = time.process_time()
    run = simulate(*work)
    return run, time.process_time() - before


def _campaign(arguments: argparse.Namespace) -> int:
    done = []
    for hunt in campaign.hunts(arguments.mutants, arguments.jobs):
        done.append(hunt)
        if not arguments.json:
            print(campaign.line(hunt), flush=True)
    whole = campaign.Campaign(tuple(done))
    _print([whole.as_json()] if arguments.json else campaign.summary(whole))
    return 0 if whole.enough else 1


def _replay(arguments: argparse.Namespace) -> int:
    [seed] = arguments.seeds
    run = simulate(seed, arguments.hours, arguments.only, tail=None)
    _print(run.tail)
    if run.violation:
        _print(list(failure(run))[:3])
        return 1
    print(f"seed {seed} holds; trace {run.digest}")
    return 0


def _print(lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        print(line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(1, 21), help="1..20 or 7")
    parser.add_argument("--seed", dest="seeds", type=_seeds, help="one seed")
    parser.add_argument("--hours", type=float, default=4.0, help="simulated hours a seed")
    parser.add_argument("--replay", action="store_true", help="print every event of one seed")
    parser.add_argument("--only", type=_classes, help="only these fault classes: crash,pause")
    parser.add_argument(
        "--mutants", nargs="*", metavar="NAME", help="plant bugs, all or these, and look for them"
    )
    parser.add_argument("--json", action="store_true", help="figures for machines")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--shown", type=int, default=3, help="failures made small and shown")
    return parser


def _seeds(text: str) -> range:
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


def _classes(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if unknown := names - {fault.name for fault in CATALOGUE}:
        raise argparse.ArgumentTypeError(f"no fault class is called {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    sys.exit(main())

"""Whole seeds: they hold, they repeat to the last event, and failures are made small."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.simulation.mutants.bug import ROOT
from tests.simulation.nemesis import CATALOGUE
from tests.simulation.oracles import Violation
from tests.simulation.report import failure, summary, totals
from tests.simulation.shrink import shrink
from tests.simulation.simulation import simulate

FULL_SEEDS = range(1, 41)
FULL_HOURS = 4.0


def run_module(*arguments, hash_seed="0"):
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stderr == ""
    return done


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_seed_holds(seed):
    run = simulate(seed, hours=1.0)
    assert run.violation is None, "\n".join(failure(run))
    assert run.counts["tick"] > 100


@pytest.mark.full
@pytest.mark.campaign
@pytest.mark.parametrize("seed", FULL_SEEDS)
def test_a_long_seed_holds(seed):
    run = simulate(seed, FULL_HOURS)
    assert run.violation is None, "\n".join(failure(run))


def test_a_seed_repeats_to_the_last_event_whatever_ran_before_and_the_hashes_of_strings():
    command = ("tests.simulation", "--replay", "--seed", "14", "--hours", "0.5")
    first, second = (run_module(*command, hash_seed=seed) for seed in ("1", "2"))
    assert first.stdout == second.stdout
    assert simulate(14, 0.5).digest in first.stdout
    assert simulate(15, 0.1).digest not in first.stdout


def test_there_are_many_classes_of_faults_and_each_says_what_it_is():
    assert len(CATALOGUE) >= 60
    assert len({fault.name for fault in CATALOGUE}) == len(CATALOGUE)
    assert all(fault.summary and fault.per_hour > 0 for fault in CATALOGUE)


def test_a_failure_is_made_as_small_as_it_can_be():
    whole = replace(
        simulate(1, 0.01),
        enabled=("crash", "pause", "burst", "reload", "broker_zero"),
        violation=Violation("fences", "x", 7200.0, 10),
    )

    def needs_two(seed, hours, only):
        broken = {"pause", "reload"} <= set(only)
        enabled = tuple(name for name in whole.enabled if name in only)
        return replace(whole, enabled=enabled, violation=whole.violation if broken else None)

    small = shrink(whole, needs_two)
    assert small.enabled == ("pause", "reload")
    told = "\n".join(failure(small))
    assert "seed 1 breaks `fences`: x" in told
    assert "--replay --seed 1 --hours 2.01 --only pause,reload" in told


def test_runs_are_added_up():
    run = simulate(2, 0.5)
    figures = totals([run, run], cpu_seconds=30.0)
    assert (figures["seeds"], figures["hours_per_cpu_minute"]) == (2, 2.0)
    assert figures["faults"] == sum(figures["by_class"].values())
    assert "0 violations" in list(summary(figures))


def test_the_command_line_gives_figures_for_machines():
    done = run_module("tests.simulation", "--seeds", "1..2", "--hours", "0.2", "--json")
    figures = json.loads(done.stdout)
    assert (done.returncode, figures["seeds"], figures["violations"]) == (0, 2, [])

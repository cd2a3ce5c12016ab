"""Planted bugs fit the code as it is, and the hunt finds them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.simulation.mutants.bug import Bug
from tests.simulation.mutants.campaign import Campaign, Hunt, hunts, summary
from tests.simulation.mutants.catalogue import BUGS
from tests.simulation.mutants.planting import plant

QUICK = ("yesterdays_snapshot", "running_tasks_are_no_demand")
FULL = (
    "drain_skipped",
    "plan_of_the_last_tick",
    "window_is_advice",
    "no_settling",
    "settled_too_soon",
    "resolves_in_silence",
    "hour_cap_ignored",
)


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_bug_fits_in_once_and_changes_the_module(bug):
    source = bug.path.read_text()
    assert ast.dump(ast.parse(bug.plant(source))) != ast.dump(ast.parse(source))


def test_a_bug_whose_text_is_gone_says_so():
    with pytest.raises(ValueError, match="gone: its text is 0 times"):
        Bug("gone", "errors", "no such text", "").plant(Path(__file__).read_text()[:10])


def test_a_bug_is_planted_before_its_module_is_imported():
    with pytest.raises(ImportError, match="imported before"):
        plant(Bug("late", "errors", "", ""))


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name):
    [hunt] = hunts([name], jobs=1, seeds=20)
    assert hunt.seed, f"{name} is not found in {hunt.hours} simulated hours"


@pytest.mark.full
@pytest.mark.campaign
@pytest.mark.parametrize("name", FULL)
def test_one_more_planted_bug_is_found(name):
    [hunt] = hunts([name], jobs=1)
    assert hunt.seed, f"{name} is not found in {hunt.hours} simulated hours"


def test_a_campaign_tells_what_was_not_found():
    done = Campaign((Hunt("verified_once", None, None, 120.0), Hunt("no_settling", 3, "x", 4.0)))
    assert (done.share, done.enough) == (0.5, False)
    told = "\n".join(summary(done))
    assert "not found: verified_once: nobody knows why" in told
    assert "1 of 2 found (50.0%), in 4.00 simulated hours at the median" in told

"""What is known of how long things take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.profiles import MOST_NAMES, MOST_VALUES, Profiles
from autoscaler.engine.scale_in import choose
from autoscaler.model import ActiveTask, Measured, Measurement, StartUp
from tests.records import NOW, replica, seen

SECONDS = st.floats(min_value=0.1, max_value=1e6)


def learned(*seconds, name="etl.load", kind=Measured.TASK, before=None):
    facts = (Measurement(kind, name, each, NOW) for each in seconds)
    return (before or Profiles()).after(facts)


def runs(unit, *tasks, **more):
    """A worker that runs tasks given as (name, seconds since its start)."""
    active = tuple(ActiveTask(f"{name}-id", name, NOW - age) for name, age in tasks)
    return replica(unit, active=active, **more)


def expected(profiles, one, names=None):
    return profiles.laid_on(one, names or {}, NOW).expected_empty_seconds


@pytest.mark.parametrize(
    ("seconds", "p50", "p90"),
    [((7,), 7, 7), ((30, 10), 10, 30), (tuple(range(1, 11)), 5, 9), ((5, *[1] * 64), 1, 1)],
)
def test_how_long_a_fleets_last_units_took_to_start(seconds, p50, p90):
    known = learned(*seconds, name="default", kind=Measured.START)
    starts = min(len(seconds), MOST_VALUES)
    assert known.start_up("default") == StartUp(p50, p90, starts)
    assert known.start_up("other") is None


def test_nothing_new_is_the_same():
    known = learned(1)
    assert known.after(()) is known


@pytest.mark.parametrize(("elapsed", "left"), [(0, 25), (15, 15), (30, 10), (40, 40), (90, 90)])
def test_what_remains_is_the_mean_of_what_longer_ones_had_left(elapsed, left):
    assert learned(10, 20, 30, 40).remaining("etl.load", elapsed) == left


def test_of_nothing_nothing_is_known():
    assert Profiles().remaining("etl.load", 3) is None
    assert expected(Profiles(), runs("a", ("etl.load", 3))) is None
    assert expected(Profiles(), runs("a")) is None
    assert expected(learned(5), replica("a", active=None)) is None
    assert expected(learned(5), replica("a", registered=False)) is None


def test_a_worker_is_empty_when_its_last_task_ends():
    known = learned(60, name="tasks.long", before=learned(10, name="tasks.short"))
    both = runs("a", ("tasks.short", 4), ("tasks.long", 20))
    assert expected(known, both) == 40
    assert expected(known, runs("a")) == 0
    fetched = runs("a", ("tasks.short", 4), reserved=5, slots=4)
    assert expected(known, fetched) == 6 + 2 * 35


def test_airflows_tasks_are_known_by_their_names():
    known = learned(500, name="etl.slow", before=learned(10, name="execute_workload"))
    worker = runs("a", ("execute_workload", 5))
    assert expected(known, worker) == 5
    assert expected(known, worker, {"execute_workload-id": "etl.slow"}) == 495


def test_the_victim_is_the_one_expected_empty_soonest_and_not_the_one_with_fewest_tasks():
    known = learned(3600, name="tasks.long", before=learned(10, name="tasks.short"))
    one_long = known.laid_on(runs("long", ("tasks.long", 60)), {}, NOW)
    many_short = known.laid_on(runs("short", *[("tasks.short", 5)] * 4), {}, NOW)
    [victim] = choose(seen(one_long, many_short), 1)
    assert victim.name == "short"


@given(st.lists(SECONDS, min_size=1, max_size=200), SECONDS)
def test_what_is_kept_is_bounded_and_what_remains_is_never_negative(durations, elapsed):
    known = learned(*durations)
    assert {len(values) for values in known.durations.values()} == {
        min(len(durations), MOST_VALUES)
    }
    assert known.remaining("etl.load", elapsed) >= 0


def test_names_that_were_not_seen_for_long_are_forgotten():
    known = Profiles()
    facts = [Measurement(Measured.TASK, f"task-{n}", 1.0, NOW) for n in range(MOST_NAMES + 10)]
    known = known.after(facts)
    assert len(known.durations) == MOST_NAMES
    assert (Measured.TASK, "task-0") not in known.durations
    assert known.remaining("task-0", 0.25) == 0.75, "as any task"

"""What is learned of DAGs from their last runs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine import footprints
from autoscaler.engine.footprints import GRID, MOST_RUNS, Footprints, shape, shared
from autoscaler.model import Curve, FinishedRun, FinishedTask, Footprint
from tests.records import NOW

CELERY = "CeleryExecutor"
DAY = 86_400.0
SECONDS = st.floats(min_value=0, max_value=2 * DAY)
SPANS = st.lists(st.tuples(SECONDS, SECONDS), max_size=40)


def ran(*spans, run_id="r", dag_id="etl", at=NOW, queue="default"):
    """A run of tasks given as (seconds after its start, seconds that they took)."""
    tasks = tuple(FinishedTask(queue, CELERY, at + ready, seconds) for ready, seconds in spans)
    return FinishedRun(dag_id, run_id, at, tasks)


def learned(*runs, before=None, source="airflow", now=NOW):
    return (before or Footprints()).after(source, runs, now)[0]


def used(footprint, offset, queue="default"):
    return footprint.concurrency(queue, CELERY, offset)


def test_slots_by_offset_as_if_nothing_waited():
    [curve] = shape(ran((0, 10), (0, 20), (30, 60))).curves
    expected = Curve("default", CELERY, (0, 10, 20, 30, 90), (2, 1, 0, 1, 0))
    assert curve == expected
    assert [curve.at(offset) for offset in (-1, 0, 9.9, 10, 29, 30, 1e6)] == [0, 2, 2, 1, 0, 1, 0]


def test_each_queue_and_executor_for_itself():
    tasks = tuple(
        FinishedTask(q, e, NOW, 60) for q, e in (("us", CELERY), ("us", "L"), ("eu", CELERY))
    )
    one = learned(FinishedRun("etl", "r", NOW, tasks)).of("airflow", "etl")
    assert one.queues == {("us", CELERY), ("us", "L"), ("eu", CELERY)}
    assert (used(one, 5, "us"), used(one, 5, "eu"), used(one, 5, "asia")) == (1, 1, 0)


def test_a_footprint_is_the_mean_of_its_runs_and_knows_the_hungriest():
    one = learned(ran((0, 60), run_id="a"), ran(*[(0, 60)] * 4, run_id="b", at=NOW + 1))
    known = one.of("airflow", "etl")
    assert used(known, 10) == 2.5
    assert known.most("default", CELERY, 10) == 4
    assert one.of("airflow", "other") is None
    assert one.of("elsewhere", "etl") is None


def test_a_run_that_used_no_slot_counts_as_such():
    known = learned(ran((0, 60), run_id="a"), ran(run_id="b")).of("airflow", "etl")
    assert used(known, 10) == 0.5
    assert known.steps == 2


def test_a_task_that_takes_no_time_takes_a_slot_for_a_moment():
    [curve] = shape(ran((0, 0), (3600, 0))).curves
    assert curve.offsets == (0, 5, 3600, 3900)


def test_a_day_is_all_of_it():
    [curve] = shape(ran((DAY - 1, 10), (DAY, 10), (0, 9 * DAY))).curves
    assert (curve.offsets, curve.levels) == ((0, DAY - 300, DAY), (1, 2, 0))
    assert shape(ran((2 * DAY, 1))).curves == ()


def test_the_last_runs_are_kept_in_the_order_in_which_they_began():
    runs = [ran((0, 60), run_id=str(n), at=NOW + n) for n in range(MOST_RUNS + 3)]
    known = learned(*reversed(runs)).of("airflow", "etl")
    assert [run.run_id for run in known.runs] == [str(n) for n in range(3, MOST_RUNS + 3)]


def test_what_is_known_already_is_no_news_and_a_run_that_was_run_again_is():
    first, changed = Footprints().after("airflow", [ran((0, 60))], NOW)
    assert [footprint.dag_id for footprint in changed] == ["etl"]
    again, unchanged = first.after("airflow", [ran((0, 60))], NOW + 60)
    assert (again is first, unchanged) == (True, ())
    other, changed = first.after("airflow", [ran((0, 600))], NOW + 60)
    assert [footprint.learned_at for footprint in changed] == [NOW + 60]
    assert used(other.of("airflow", "etl"), 300) == 1
    assert first.after("airflow", [], NOW) == (first, ())


def test_dags_are_counted_by_source():
    known = learned(ran(dag_id="a"), ran(dag_id="b"))
    assert learned(ran(dag_id="a"), before=known, source="other").counts == {
        "airflow": 2,
        "other": 1,
    }


def test_what_was_learned_earlier_is_taken_up_again():
    known = learned(ran((0, 60), dag_id="a"), ran((0, 90), dag_id="b"))
    assert Footprints.known(known.by_dag.values()) == known
    restored = Footprint("airflow", "a", known.of("airflow", "a").runs, NOW)
    assert learned(ran((0, 60), dag_id="a"), before=Footprints.known([restored])).steps == 2


def test_the_least_lately_learned_go_first(monkeypatch):
    monkeypatch.setattr(footprints, "MOST_DAGS", 2)
    known = learned(ran(dag_id="a"), ran(dag_id="b"))
    known = learned(ran(run_id="2", dag_id="a"), before=known)
    assert list(learned(ran(dag_id="c"), before=known).by_dag) == [
        ("airflow", "a"),
        ("airflow", "c"),
    ]


def test_steps_are_bounded_in_all(monkeypatch):
    monkeypatch.setattr(footprints, "MOST_STEPS", 5)
    known = learned(*(ran((0, 60), dag_id=dag) for dag in "abc"))
    assert (list(known.by_dag), known.steps) == ([("airflow", "b"), ("airflow", "c")], 4)


def test_offsets_are_shared_and_no_others_are_taken():
    assert all(
        mine is grids for mine, grids in zip(shared([0, 600.0]), (GRID[0], GRID[120]), strict=True)
    )
    for strange in (3.0, 1e9, float("nan")):
        with pytest.raises(ValueError, match="no offset"):
            shared([strange])


def bin_of(ready, seconds):
    """The grid's span in which a task runs, counted the slow way."""
    begin = bisect_right(GRID, ready) - 1
    return GRID[begin], GRID[min(len(GRID) - 1, max(begin + 1, bisect_left(GRID, ready + seconds)))]


@given(SPANS, st.floats(min_value=0, max_value=DAY - 1))
def test_a_curve_counts_the_tasks_that_would_run(spans, offset):
    [curve] = shape(ran(*spans, at=0.0)).curves or [Curve("default", CELERY, (), ())]
    bins = [bin_of(*span) for span in spans if span[0] < DAY]
    assert curve.at(offset) == sum(a <= offset < b for a, b in bins)
    running = sum(ready <= offset < ready + seconds for ready, seconds in spans)
    assert curve.at(offset) >= running


@given(st.lists(SPANS, min_size=1, max_size=MOST_RUNS), st.floats(min_value=0, max_value=DAY))
def test_a_footprint_is_that_of_the_runs_that_it_was_learned_from(runs, offset):
    made = [ran(*spans, run_id=str(n), at=float(n)) for n, spans in enumerate(runs)]
    known = learned(*made).of("airflow", "etl")
    each = [sum(curve.at(offset) for curve in shape(run).curves) for run in made]
    assert used(known, offset) == pytest.approx(sum(each) / len(each))
    assert known.most("default", CELERY, offset) == max(each)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), SPANS), max_size=30))
def test_it_never_grows_beyond_its_bounds(runs):
    known = Footprints()
    for number, (dag_id, spans) in enumerate(runs):
        run = ran(*spans, run_id=str(number), dag_id=dag_id, at=float(number))
        known = learned(run, before=known)
        assert known.steps == sum(each.steps for each in known.by_dag.values())
    for each in known.by_dag.values():
        assert len(each.runs) <= MOST_RUNS
        for curve in (curve for run in each.runs for curve in run.curves):
            assert len(curve.offsets) <= len(GRID)
            assert list(curve.offsets) == sorted(set(curve.offsets))
            assert min(curve.levels) >= 0
            assert curve.levels[-1] == 0

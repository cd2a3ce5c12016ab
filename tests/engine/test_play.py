"""What remains of DAG runs, played on slots that never lack."""

from __future__ import annotations

from autoscaler.engine.dag_plan import MOST_DAGS, MOST_TASKS, DagPlan, DagPlans
from autoscaler.engine.durations import Durations
from autoscaler.engine.play import WAYS, Play, Present, laid_on, roots
from autoscaler.model import DagStructure, DagTask

CELERY = "CeleryExecutor"
QUEUE = ("default", CELERY)
OTHER = ("other", CELERY)


def plan(**tasks):
    """Task -> upstreams; those that begin with `o` are of another queue."""
    made = {
        name: DagTask(name, "other" if name.startswith("o") else "default", CELERY, upstream)
        for name, upstream in tasks.items()
    }
    return DagPlan.of(DagStructure("etl", made))


def exactly(seconds):
    """A duration that is known well."""
    return Durations([seconds] * 8)


def curves(of, present, *seconds, within=30.0, steps=12):
    known = dict(zip(of.names, seconds, strict=True))

    def durations(name):
        return None if known[name] is None else exactly(known[name])

    return Play(of, durations, within, steps).of(present)


def test_a_structure_by_numbers():
    made = plan(a=(), b=("a",), c=("a", "b", "gone"))
    assert made.numbers == {"a": 0, "b": 1, "c": 2}
    assert made.names == ("etl.a", "etl.b", "etl.c")
    assert made.below == ((1, 2), (2,), ())
    assert made.above == (0, 1, 2)


def test_what_waits_for_a_task_begins_when_it_has_ended():
    chain = plan(a=(), b=("a",))
    ways = curves(chain, Present(((0, 10.0),), {1: 1}), 30.0, 40.0)[QUEUE]
    assert len(ways) == WAYS
    assert all(way[:12] == [1.0] * 12 for way in ways), "one slot after the other: never two"
    fan = plan(a=(), b=("a",), c=("a",), o=("a",))
    found = curves(fan, Present(((0, 10.0),), {1: 1, 2: 1, 3: 1}), 30.0, 60.0, 60.0, 60.0)
    assert found[QUEUE][0][:8] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert found[OTHER][0][:8] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_short_tasks_share_a_slot_within_the_time_they_have():
    many = Present(tuple((n, None) for n in range(6)), {})
    wide = plan(**{f"t{n}": () for n in range(6)})
    way = curves(wide, many, *[5.0] * 6)[QUEUE][0]
    assert [round(level, 6) for level in way[:8]] == [1, 1, 1, 1, 1, 1, 0, 0]


def test_what_waits_for_something_else_as_well_does_not_begin():
    made = plan(a=(), b=(), c=("a", "b"), d=("a",))
    blocked = Present(((0, 10.0),), {1: 1, 2: 1})
    assert curves(made, blocked, 20.0, 20.0, 60.0, 60.0)[QUEUE][0][:5] == [1, 1, 0, 0, 0]


def test_all_instances_of_a_mapped_task_must_end_before_what_follows():
    made = plan(m=(), z=("m",))
    partly = Present(((0, 10.0), (0, 0.0)), {1: 3})
    way = curves(made, partly, 30.0, 100.0)[QUEUE][0]
    assert way[:9] == [2, 2, 2, 2, 1, 1, 3, 3, 3]
    some_to_come = Present(((0, 10.0),), {0: 1, 1: 3})
    assert curves(made, some_to_come, 30.0, 100.0)[QUEUE][0][4:9] == [0] * 5


def test_a_run_begins_with_what_waits_for_nothing():
    made = plan(a=(), b=(), c=("a", "b"))
    assert roots(made) == Present(((0, None), (1, None)), {2: 1})
    way = curves(made, roots(made), 30.0, 30.0, 30.0, steps=20)[QUEUE][0]
    assert way[:16] == [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]


def test_unknown_tasks_are_played_as_well():
    assert curves(plan(a=()), roots(plan(a=())), None)[QUEUE][0][0] > 0


def test_runs_are_added_each_in_its_time_and_turn():
    one = {QUEUE: [[float(way)] * 4 + [0.0] for way in range(WAYS)]}
    total = {}
    laid_on(total, one, 0.0, 0, 4)
    laid_on(total, one, 10.0, 1, 4)
    assert total[QUEUE][0][:4] == [0, 0, 1, 1]
    assert total[QUEUE][WAYS - 1][:4] == [7, 7, 7, 7]


def test_plans_are_bounded_the_least_lately_told_go():
    def named(name, tasks=1):
        made = {str(n): DagTask(str(n), "q", CELERY) for n in range(tasks)}
        return DagStructure(name, made)

    plans = DagPlans().after("a", [named(str(n)) for n in range(MOST_DAGS)])
    assert plans.after("a", []) is plans
    more = plans.after("a", [named("0"), named("new")])
    assert len(more.by_dag) == MOST_DAGS == more.tasks
    assert ("a", "1") not in more.by_dag
    assert {("a", "0"), ("a", "new")} <= more.by_dag.keys()
    huge = DagPlans().after("a", [named("x", MOST_TASKS), named("y", 5)])
    assert (set(huge.by_dag), huge.tasks) == ({("a", "y")}, 5)

"""Admission: Airflow's own order and checks, against a walk over single tasks."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.engine.admission import Limits, Scheduled, admit
from autoscaler.model import AirflowPool, Block, Blocker

KEY = ("default", "CeleryExecutor")
POOLS = {"p": AirflowPool("p", 100, 0)}


def task(name="t", **more):
    fields = {
        "dag_id": "d",
        "run_id": "r",
        "queue": "default",
        "executor": "CeleryExecutor",
        "pool": "p",
        "pool_slots": 1,
        "priority_weight": 1,
        "map_index": -1,
        "run_date": 0.0,
        "max_active_tasks": 16,
    }
    return Scheduled(task_id=name, **{**fields, **more})


def of(*scheduled, **limits):
    return admit(scheduled, Limits(**{"pools": POOLS, **limits}))[KEY]


def test_nothing_scheduled_is_nothing_admitted():
    assert admit([], Limits(POOLS)) == {}


def test_all_are_admissible_when_nothing_is_full():
    result = of(task("a", tasks=3, since=20.0), task("b", since=10.0), task("c"))
    assert (result.admissible, result.scheduled, result.blocked) == (5, 5, {})
    assert result.since == 10.0


def test_a_pool_lets_in_as_many_as_it_has_slots():
    result = of(task(tasks=50), pools={"p": AirflowPool("p", 3, used=2)})
    assert result.admissible == 1
    assert result.blocked == {Block(Blocker.POOL, "p", 3, 3): 49}
    assert result.since is None
    assert result.scheduled == 50


def test_a_pool_without_a_limit_lets_all_in():
    pools = {"p": AirflowPool("p", None, used=10_000)}
    assert of(task(tasks=40, max_active_tasks=99, pool_slots=7), pools=pools).admissible == 40


@pytest.mark.parametrize(("slots", "used"), [(0, 0), (4, 4), (4, 9)])
def test_a_full_pool_lets_nobody_in_not_even_without_slots(slots, used):
    result = of(task(pool_slots=0), pools={"p": AirflowPool("p", slots, used)})
    assert result.blocked == {Block(Blocker.POOL, "p", used, slots): 1}


def test_a_pool_that_is_not_there_never_lets_anybody_in():
    assert of(task(pool="gone")).blocked == {Block(Blocker.POOL, "gone", 0, 0): 1}


def test_who_needs_too_many_slots_lets_smaller_ones_pass():
    big = task("big", pool_slots=3, priority_weight=9)
    result = of(big, task("small", tasks=2), pools={"p": AirflowPool("p", 4, used=2)})
    assert result.admissible == 2
    assert result.blocked == {Block(Blocker.POOL, "p", 2, 4): 1}


def test_max_active_tasks_of_each_run():
    active = {("d", "r"): 1, ("d", "other"): 5, ("e", "r"): 7}
    tasks = task(tasks=4, max_active_tasks=3), task(run_id="s", tasks=4, max_active_tasks=3)
    result = of(*tasks, active=active)
    assert result.admissible == 2 + 3
    assert result.blocked == {Block(Blocker.DAG_LIMIT, "d", 3, 3): 3}


def test_max_active_tasks_of_all_runs_together_before_airflow_3():
    active = {("d", "r"): 1, ("d", "other"): 1}
    tasks = task(tasks=4, max_active_tasks=3), task(run_id="s", tasks=4, max_active_tasks=3)
    result = of(*tasks, active=active, runs=False)
    assert result.admissible == 1
    assert result.blocked == {Block(Blocker.DAG_LIMIT, "d", 3, 3): 7}


def test_of_several_full_runs_the_fullest_is_told_of():
    result = of(
        task(max_active_tasks=2),
        task(run_id="s", max_active_tasks=2),
        active={("d", "r"): 2, ("d", "s"): 4},
    )
    assert result.blocked == {Block(Blocker.DAG_LIMIT, "d", 4, 2): 2}


def test_parallelism_counts_what_the_executors_have():
    result = of(task(tasks=5), parallelism=32, occupied=30)
    assert result.admissible == 2
    assert result.blocked == {Block(Blocker.PARALLELISM, "", 32, 32): 3}


def test_while_parallelism_is_reached_the_scheduler_looks_at_nothing_else():
    result = of(task(pool="gone"), parallelism=4, occupied=4)
    assert result.blocked == {Block(Blocker.PARALLELISM, "", 4, 4): 1}


def test_the_pool_is_looked_at_before_the_dag():
    full = {"p": AirflowPool("p", 1, 1)}
    result = of(task(max_active_tasks=1), pools=full, active={("d", "r"): 1})
    assert [block.blocker for block in result.blocked] == [Blocker.POOL]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"priority_weight": 2}, {"priority_weight": 1, "run_date": -5.0}),
        ({"run_date": 1.0, "map_index": 7}, {"run_date": 2.0}),
        ({"run_date": 1.0}, {"run_date": math.inf}),
        ({"map_index": 0}, {"map_index": 1}),
    ],
)
def test_who_comes_first(first, second):
    tasks = [task("b", queue="second", **second), task("a", queue="first", **first)]
    result = admit(tasks, Limits({"p": AirflowPool("p", 1, 0)}))
    assert {queue: one.admissible for (queue, _), one in result.items()} == {
        "first": 1,
        "second": 0,
    }


def test_mapped_tasks_of_one_run_take_turns_by_map_index():
    tasks = [task(name, queue=name, map_index=0, tasks=10) for name in ("a", "b")]
    result = admit(tasks, Limits({"p": AirflowPool("p", 6, 0)}))
    assert {queue: one.admissible for (queue, _), one in result.items()} == {"a": 3, "b": 3}


# Against single tasks, one at a time.

names = st.sampled_from(["a", "b", "c"])
scheduled = st.lists(
    st.builds(
        Scheduled,
        dag_id=names,
        run_id=names,
        task_id=names,
        queue=names,
        executor=st.just("CeleryExecutor"),
        pool=names,
        pool_slots=st.integers(0, 3),
        priority_weight=st.integers(0, 2),
        map_index=st.integers(-1, 2),
        run_date=st.sampled_from([0.0, 1.0, math.inf]),
        max_active_tasks=st.just(4),
        tasks=st.integers(1, 5),
    ),
    max_size=8,
)
pools = st.fixed_dictionaries(
    {},
    optional={
        name: st.builds(
            AirflowPool,
            name=st.just(name),
            slots=st.none() | st.integers(0, 8),
            used=st.integers(0, 9),
        )
        for name in ("a", "b", "c")
    },
)
limits = st.builds(
    Limits,
    pools=pools,
    active=st.dictionaries(st.tuples(names, names), st.integers(0, 5)),
    runs=st.booleans(),
    parallelism=st.none() | st.integers(0, 20),
    occupied=st.integers(0, 20),
)


def one_by_one(groups, given_limits):
    """The number admitted by queue, walking over single tasks that are sorted once."""
    singles = [
        ((-group.priority_weight, group.run_date, group.map_index + i), number, group)
        for number, group in enumerate(groups)
        for i in range(group.tasks)
    ]
    slots, tasks, running = Counter(), Counter(), Counter()
    for (dag_id, run_id), active in given_limits.active.items():
        running[dag_id] += active
        running[dag_id, run_id] += active
    for _, _, group in sorted(singles, key=lambda single: single[:2]):
        pool = given_limits.pools.get(group.pool)
        dag = (group.dag_id, group.run_id) if given_limits.runs else group.dag_id
        total = given_limits.occupied + tasks.total()
        if pool is None or running[dag] >= group.max_active_tasks:
            continue
        if given_limits.parallelism is not None and total >= given_limits.parallelism:
            continue
        free = math.inf if pool.slots is None else pool.slots - pool.used - slots[group.pool]
        if free <= 0 or group.pool_slots > free:
            continue
        slots[group.pool] += group.pool_slots
        running[group.dag_id] += 1
        running[group.dag_id, group.run_id] += 1
        tasks[group.queue] += 1
    return tasks


@given(scheduled, limits)
def test_it_is_what_a_walk_over_single_tasks_gives(groups, given_limits):
    result = admit(groups, given_limits)
    admitted = {queue: one.admissible for (queue, _), one in result.items() if one.admissible}
    assert admitted == dict(one_by_one(groups, given_limits))


@given(scheduled, limits)
def test_every_task_is_admissible_or_blocked_by_something_full(groups, given_limits):
    result = admit(groups, given_limits)
    number = Counter()
    for group in groups:
        number[group.queue] += group.tasks
    assert {queue: one.scheduled for (queue, _), one in result.items()} == dict(number)
    for one in result.values():
        for block, tasks in one.blocked.items():
            assert tasks > 0
            assert block.used >= block.limit or block.blocker is Blocker.POOL


@given(scheduled, limits)
def test_no_limit_is_ever_exceeded(groups, given_limits):
    admitted = sum(one.admissible for one in admit(groups, given_limits).values())
    if given_limits.parallelism is not None:
        assert admitted <= max(0, given_limits.parallelism - given_limits.occupied)
    everywhere = sum(
        math.inf if pool.slots is None else max(0, pool.slots - pool.used)
        for pool in given_limits.pools.values()
    )
    if all(group.pool_slots for group in groups):
        assert admitted <= everywhere


@given(scheduled, limits, names)
def test_a_larger_pool_never_admits_fewer_tasks_of_one_slot(groups, given_limits, name):
    ones = [task(g.task_id, **{**_fields(g), "pool_slots": 1}) for g in groups]
    pool = given_limits.pools.get(name)
    if pool is None or pool.slots is None:
        return
    larger = {**given_limits.pools, name: AirflowPool(name, pool.slots + 1, pool.used)}
    wider = Limits(
        larger,
        given_limits.active,
        given_limits.runs,
        given_limits.parallelism,
        given_limits.occupied,
    )
    before = sum(one.admissible for one in admit(ones, given_limits).values())
    assert sum(one.admissible for one in admit(ones, wider).values()) >= before


def _fields(group):
    return {
        name: getattr(group, name)
        for name in Scheduled.__dataclass_fields__
        if name not in ("task_id", "pool_slots")
    }

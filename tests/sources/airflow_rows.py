"""Rows of every kind, the same ones each time, for tests that compare two databases."""

from dataclasses import asdict, replace
from itertools import product
from random import Random

OTHER_STATES = ("queued", "running", "restarting", "deferred", "success", None)
STATES = (*3 * ("scheduled",), *OTHER_STATES)
JOBS = range(101, 107)
POOLS = {
    "default_pool": (128, False),
    "small": (15, False),
    "endless": (-1, True),
    "deferring": (40, True),
    "broken": (-5, False),
}


async def fill(airflow, seed=7, began=1.9e9):
    """A few hundred task instances of ten DAGs, and all else that is read. began: Unix seconds."""
    random = Random(seed)
    await airflow.add(
        "slot_pool",
        *(
            {"pool": pool, "slots": slots, "include_deferred": deferring}
            for pool, (slots, deferring) in POOLS.items()
            if pool != "default_pool"
        ),
    )
    for number in range(10):
        await _dag(airflow, random, f"dag{number}", began)
    jobs = product(("SchedulerJob", "TriggererJob", "LocalTaskJob"), ("running", "success"))
    for number, (kind, state) in enumerate(jobs):
        beat = {"job_type": kind, "state": state, "latest_heartbeat": began + number}
        await airflow.add("job", {**beat, "id": JOBS[number], "hostname": f"host{number}"})
    await airflow.add("trigger", *({"id": i, "triggerer_id": i % 4 or None} for i in range(1, 8)))
    if airflow.major == 3:
        await airflow.add("trigger", {"id": 9, "queue": "us"})
    await airflow.add("import_error", {"id": 1})
    if airflow.major == 3:
        await _hidden(airflow, random)


async def _dag(airflow, random, dag_id, began):
    number = int(dag_id.removeprefix("dag"))
    late = random.choice((None, began + random.random()))
    await airflow.add(
        "dag",
        {
            "dag_id": dag_id,
            "is_paused": random.random() < 0.2,
            "max_active_tasks": random.randint(3, 30),
            "has_import_errors": random.choice((None, True, False)),
            "last_parsed_time": began - 10 * number,
            "next_dagrun_create_after": late,
        },
    )
    for run in range(3):
        state = random.choice(("running", "running", "queued"))
        await airflow.run(dag_id, f"run{run}", began + random.random(), state=state)
        for task in range(4):
            await _task(airflow, random, dag_id, f"run{run}", f"task{task}", began)


async def _task(airflow, random, dag_id, run_id, task_id, began):
    def time():
        return random.choice((None, began + random.uniform(-500, 0)))

    state = random.choice(STATES)
    two = {"job_id": random.choice((None, *JOBS))}
    three = {"last_heartbeat_at": time(), "scheduled_dttm": time()}
    await airflow.tasks(
        state,
        random.randint(1, 5),
        task_id,
        dag_id=dag_id,
        run_id=run_id,
        queue=random.choice(("us", "eu", "default", None)),
        executor=random.choice((None, "CeleryExecutor", "a.b.LocalExecutor")),
        pool=random.choice((*POOLS, "gone")),
        pool_slots=random.randint(1, 3),
        priority_weight=random.randint(1, 3),
        queued_dttm=time(),
        start_date=time(),
        updated_at=time(),
        hostname=random.choice(("", "wörker-1", None)),
        external_executor_id=random.choice((None, f"id-{random.random()}")),
        **(three if airflow.major == 3 else two),
    )


async def _hidden(airflow, random):
    for _ in range(12):
        data = {"path": "x", "queue": random.choice(("us", None))}
        state = random.choice(("pending", "queued", "running", "success"))
        wrapped = random.choice((data, {"__type": "dict", "__var": data}))
        await airflow.add("callback", {"type": "executor", "state": state, "data": wrapped})
        test = {"state": state, "queue": random.choice(("eu", None))}
        await airflow.add("connection_test_request", test)


def _by_database_time(value, skew, name=""):
    """A record as plain data, its times by the clock of its database."""
    if isinstance(value, dict):
        return {key: _by_database_time(each, skew, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_by_database_time(each, skew, name) for each in value]
    return round(value + skew, 3) if name.endswith("at") and value is not None else value


def comparable(state):
    """A state as plain data, which is the same for the same rows in two databases."""
    skew = state.clock_skew_seconds
    queues = {key: replace(queue, blocked={}) for key, queue in state.queues.items()}
    return _by_database_time(
        {
            "queues": {key: asdict(queue) for key, queue in queues.items()},
            "blocked": {key: dict(queue.blocked) for key, queue in state.queues.items()},
            "tasks": sorted(map(str, _by_database_time(list(map(asdict, state.tasks)), skew))),
            "pools": {name: asdict(pool) for name, pool in state.pools.items()},
            "jobs": [asdict(job) for job in state.jobs],
            "next_runs": [asdict(run) for run in state.next_runs],
            "counts": (state.version, state.triggers, state.import_errors),
            "parsed_at": state.parsed_at,
        },
        skew,
    )

"""Whole cycles of fleets without queues, which follow what a real database tells."""

from __future__ import annotations

import pytest

from tests.airflow_tables import ago
from tests.cycles import Ticks, config
from tests.sources.airflow_scene import airflow_on, scheduler

TRIGGERS = {"kind": "target_tracking", "sample": "airflow_triggers", "average_value": 7}
BY_CAPACITY = "airflow_triggers / avg(airflow_triggerer_capacity) / 0.7"
BY_LAG = {
    "kind": "step",
    "sample": "airflow_parse_lag_seconds",
    "steps": [{"at_most": 60, "change": -1}, {"above": 180, "change": 1}],
}


@pytest.fixture
async def airflow(postgres):
    async with airflow_on(postgres) as made:
        yield made


@pytest.fixture
async def following(airflow, tmp_path):
    """Cycles of one fleet of two replicas, up to five, with such a policy."""
    every = []

    def make(policy):
        fleet = {
            "queues": [],
            "slots_per_replica": None,
            "policies": [policy],
            "target": {"kind": "simulated", "initial_replicas": 2},
        }
        source = {"kind": "airflow_database", "url": airflow.url, "triggerer_capacity": 10}
        every.append(Ticks(config(tmp_path, sources={"airflow": source}, fleet=fleet)))
        return every[-1]

    yield make
    for ticks in every:
        await ticks.controller.aclose()


async def triggerer(airflow, number):
    row = {"id": number, "job_type": "TriggererJob", "hostname": f"t{number}"}
    await scheduler(airflow, 1, **row)


@pytest.mark.parametrize("policy", [TRIGGERS, {"kind": "expression", "expression": BY_CAPACITY}])
async def test_triggerers_grow_and_leave_with_their_triggers(airflow, following, policy):
    for number in (1, 2):
        await triggerer(airflow, number)
        await airflow.add("trigger", *8 * [{"triggerer_id": number}])
    ticks = following(policy)
    assert (await ticks.run(2)).decision.desired == 3
    await airflow.add("trigger", *12 * [{}])
    assert (await ticks.run(1)).decision.desired == 4
    await airflow.execute("DELETE FROM trigger WHERE triggerer_id IS NULL OR triggerer_id = 2")
    turn = await ticks.run(8)
    assert turn.decision.desired == 2
    assert len(turn.snapshot.replicas) == 2


async def test_nobody_knows_what_triggerers_take_while_none_is_alive(airflow, following):
    await airflow.add("trigger", *30 * [{}])
    turn = await following({"kind": "expression", "expression": BY_CAPACITY}).run(2)
    assert turn.decision.desired == 2
    assert "no sample airflow_triggerer_capacity" in str(turn.decision.recommendations)


async def test_dag_processors_by_how_long_dags_wait(airflow, following):
    await airflow.dag("slow", last_parsed_time=ago(400))
    ticks = following(BY_LAG)
    assert (await ticks.run(2)).decision.desired == 3
    await airflow.execute("UPDATE dag SET last_parsed_time = now() - interval '90 s'")
    assert (await ticks.run(3)).decision.desired == 3
    await airflow.execute("UPDATE dag SET last_parsed_time = now()")
    assert (await ticks.run(8)).decision.desired == 1


async def test_dags_that_were_never_parsed_tell_no_lag(airflow, following):
    assert (await following(BY_LAG).run(2)).decision.desired == 2

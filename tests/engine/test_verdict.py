"""What holds the work up, as far as one tick tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.engine.verdict import blockage, outages, verdict
from autoscaler.model import (
    AirflowDemand,
    AirflowState,
    ApiServerState,
    Block,
    Blocker,
    Bottleneck,
    BrokerState,
    FleetTick,
    Observation,
    Snapshot,
    Verdict,
)
from tests.records import NOW, fleet, replica, seen
from tests.ticks import asks, turn

POOL = Block(Blocker.POOL, "snowflake", 16, 16)
LIMIT = Block(Blocker.DAG_LIMIT, "etl", 2, 2)
PARALLELISM = Block(Blocker.PARALLELISM, "", 32, 32)
KINDS = {"broker": BrokerState, "airflow": AirflowState, "api": ApiServerState}
UP = ApiServerState(NOW, "3.3.2", {"metadatabase": "healthy"}, 0.1, execution_api=True)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (turn(3), Bottleneck.NONE),
        (turn(4), Bottleneck.WORKERS),
        (turn(10, recommendations=(asks(12),)), Bottleneck.CAPACITY),
        (turn(1, recommendations=(asks(None),)), Bottleneck.NONE),
        (turn(3, error="KeyError: 'x'"), None),
        (turn(3, snapshot=seen(replica("a"), missing={"broker": "down"})), None),
    ],
)
def test_verdict(made: FleetTick, found: Bottleneck | None) -> None:
    told = verdict(made)
    assert (told and told.bottleneck) is found


def test_what_blocks_comes_before_what_was_decided() -> None:
    pool = Verdict(Bottleneck.POOL, "full")
    assert verdict(turn(9, snapshot=replace(seen(replica("a")), blockage=pool))) == pool


def judged(waiting: int, blocked: dict[Block, int] | None = None, **more: Any) -> Verdict | None:
    """What blocks a fleet of which one worker has one free slot, and others none that counts."""
    replicas = (
        replica("free", busy=3),
        replica("full", busy=4),
        replica("leaves", drained=True),
        replica("deaf", ready=False),
        replica("starts", registered=False),
        replica("untold", slots=None),
    )
    demand = AirflowDemand(waiting, blocked=blocked or {}, **{"scheduler_seen_at": NOW, **more})
    return blockage(demand, (), replicas, NOW)


def test_workers_help_where_more_waits_than_slots_are_free() -> None:
    assert judged(2, {POOL: 90}) is None
    assert judged(1) is None
    assert blockage(None, (), (), NOW) is None


@pytest.mark.parametrize(
    ("blocked", "bottleneck", "message"),
    [
        ({POOL: 112}, "pool", "pool snowflake is 16/16, 112 waiting"),
        ({LIMIT: 4}, "dag_limit", "max_active_tasks of DAG etl is 2/2, 4 waiting"),
        ({PARALLELISM: 9}, "parallelism", "parallelism is 32/32, 9 waiting"),
    ],
)
def test_what_blocks_is_named(blocked: dict[Block, int], bottleneck: str, message: str) -> None:
    told = Verdict(Bottleneck(bottleneck), f"adding workers would start 0 tasks: {message}")
    assert judged(1, blocked) == told


def test_of_several_the_one_that_most_wait_for_is_named_first() -> None:
    pools = {Block(Blocker.POOL, name, 1, 1): n for name, n in {"a": 2, "b": 2, "c": 1}.items()}
    told = judged(0, {**pools, LIMIT: 3})
    assert told is not None
    assert told.bottleneck is Bottleneck.DAG_LIMIT
    assert told.message.endswith("pool a is 1/1, 2 waiting; pool b is 1/1, 2 waiting; and 1 more")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"scheduler_seen_at": None}, "no scheduler is running"),
        ({"scheduler_seen_at": NOW - 47}, "no scheduler has given a sign of life for 47 s"),
        ({"left_alone": 1}, "1 task could be queued for more than 30 s, and no scheduler does it"),
    ],
)
def test_a_scheduler_that_does_nothing_is_the_bottleneck(
    facts: dict[str, Any], message: str
) -> None:
    assert judged(0, **facts) == Verdict(Bottleneck.SCHEDULER, message)


def down(
    missing: dict[str, str], demand: str | None = "airflow", **observed: Observation
) -> list[tuple[str, Bottleneck]]:
    here: dict[str, Observation] = {
        "broker": BrokerState(NOW, {}),
        "airflow": AirflowState(NOW, "3.3.2"),
        "api": UP,
        **observed,
    }
    read = {name: each for name, each in here.items() if name not in missing}
    snapshot = Snapshot(NOW, read, missing, kinds=KINDS)
    return [(source, which) for source, which, _ in outages(fleet(airflow=demand), snapshot)]


def test_what_workers_cannot_do_without() -> None:
    assert down({}) == []
    assert down({"broker": "x"}) == [("broker", Bottleneck.BROKER)]
    assert down({"airflow": "x"}) == [("airflow", Bottleneck.DATABASE)]
    assert down({"api": "x"}) == [("api", Bottleneck.API_SERVER)]
    refused = replace(UP, execution_api=False)
    assert down({}, api=refused) == [("api", Bottleneck.API_SERVER)]
    assert len(down({"broker": "x", "airflow": "x", "api": "x"})) == 3


def test_a_database_that_takes_no_writes_is_as_good_as_down() -> None:
    read_only = AirflowState(NOW, "3.3.2", read_only=True)
    assert down({}, airflow=read_only) == [("airflow", Bottleneck.DATABASE)]


def test_tasks_of_airflow_2_do_not_need_the_webserver() -> None:
    assert down({"api": "x"}, airflow=AirflowState(NOW, "2.11.2")) == []


def test_other_fleets_and_other_airflows_are_not_concerned() -> None:
    assert down({"broker": "x", "airflow": "x", "api": "x"}, demand=None) == []
    kinds = {"airflow": AirflowState, "other": AirflowState}
    snapshot = Snapshot(NOW, {"airflow": AirflowState(NOW, "3")}, {"other": "x"}, kinds=kinds)
    assert list(outages(fleet(airflow="airflow"), snapshot)) == []


def test_an_outage_speaks_first() -> None:
    outage = ("api", Bottleneck.API_SERVER, "connection refused")
    told = blockage(AirflowDemand(99), [outage], (), NOW)
    message = "workers cannot work without api: connection refused"
    assert told == Verdict(Bottleneck.API_SERVER, message)
    assert Bottleneck.API_SERVER.is_outage
    assert not Bottleneck.POOL.is_outage

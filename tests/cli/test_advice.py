"""What `check --live` shows of what it found, and what it advises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from autoscaler.cli.advice import Advice, advise
from autoscaler.cli.found import found, found_lines
from autoscaler.config import Config
from autoscaler.model import (
    AirflowDemand,
    AirflowJob,
    AirflowPool,
    AirflowQueue,
    AirflowState,
    ApiServerState,
    Behavior,
    FleetTick,
    JobKind,
    QueueState,
    Replica,
    ScalingRules,
    Snapshot,
    Tick,
    WorkerState,
)
from tests.records import NOW, replica, seen, worker
from tests.ticks import turn

TARGET: dict[str, Any] = {
    "kind": "local",
    "command": ["celery", "worker", "-n", "{unit}@%h", "--queues={queues}"],
}
SOURCES = {"workers": {"kind": "tests.fakes:FakeWorkers", "world": "w"}}
BROKER = {"broker": {"kind": "tests.fakes:FakeBroker", "world": "w"}}


def config(*fleets: dict[str, Any], **more: Any) -> Config:
    listed = fleets or ({},)
    given = [{"queues": ["default"], "max_replicas": 3, "target": TARGET, **f} for f in listed]
    return Config.model_validate({"sources": {**SOURCES, **BROKER}, "fleets": given, **more})


def made(*replicas: Replica, **of_fleet: Any) -> FleetTick:
    return turn(1, snapshot=seen(*replicas, **{"max_replicas": 3, **of_fleet}))


def tick(
    *turns: FleetTick,
    workers: tuple[WorkerState, ...] = (),
    airflow: AirflowState | None = None,
    **snapshot: Any,
) -> Tick:
    fleets = {each.decision.fleet: each for each in turns or (made(),)}
    own = [r.worker for each in fleets.values() for r in each.snapshot.replicas if r.worker]
    known = {each.name: each for each in (*workers, *own)}
    observations = {} if airflow is None else {"airflow": airflow}
    return Tick(1, Snapshot(NOW, observations, workers=known, **snapshot), fleets)


def airflow(**changes: Any) -> AirflowState:
    scheduler = AirflowJob(JobKind.SCHEDULER, "a", NOW - 2)
    return AirflowState(NOW, **{"version": "3.3", "jobs": (scheduler,), **changes})


def texts(advice: tuple[Advice, ...]) -> str:
    return "\n".join(each.text for each in advice)


def test_nothing_is_advised_where_all_is_well() -> None:
    assert advise(config(), tick(made(replica("a"))), {"default"}) == ()


def test_queues_that_nobody_serves_become_fleets_to_paste() -> None:
    target = {**TARGET, "env": {"A": {"env": "HOME"}}, "stop_signal": "SIGINT"}
    before = config({"target": target}, {"name": "eu", "queues": ["old"], "target": target})
    [advice] = advise(before, tick(), {"default", "EU", "mail", "???"})
    assert advice.text.startswith("No fleet serves ???, EU, mail.")
    assert "and the target's env, as for default" in advice.yaml
    pasted = yaml.safe_load(advice.yaml)
    assert [(each["name"], each["queues"]) for each in pasted] == [
        ("queue", ["???"]),
        ("eu-2", ["EU"]),
        ("mail", ["mail"]),
    ]
    assert pasted[0]["target"] == {**TARGET, "stop_signal": "SIGINT"}
    fleets = [{"queues": ["default"], "max_replicas": 3, "target": TARGET}, *pasted]
    assert config(*fleets).fleets[3].name == "mail"


def test_workers_of_no_fleet_are_to_be_handed_over() -> None:
    strange = [worker(f"old{n}@host") for n in range(7)]
    said = texts(advise(config(), tick(made(replica("a")), workers=(*strange,)), ()))
    assert said.startswith("7 workers of no fleet: old0@host, old1@host, old2@host, old3@host, ")
    assert "and 2 more" in said
    assert not advise(config(), tick(workers=(worker("w@host", queues=("own",)),)), ())


def test_slots_that_are_not_what_was_said() -> None:
    own = made(replica("a", slots=16), slots_per_replica=8)
    [advice] = advise(config(), tick(own), ())
    assert "says slots_per_replica: 8, and its workers have 16" in advice.text
    [advice] = advise(config(), tick(made(replica("a", slots=16), min_replicas=0)), ())
    assert "write slots_per_replica: 16" in advice.text


@pytest.mark.parametrize(
    ("most", "limits", "said"),
    [
        (2, {"parallelism": 32}, ""),
        (
            3,
            {"parallelism": 32},
            "[core] parallelism 32 < 3 x 16 slots of default: replica 3 ",
        ),
        (3, {"parallelism": 40}, "[core] parallelism 40 < 3 x 16 slots of default: the last"),
        (3, {"pools": {"p": AirflowPool("p", 5, 0)}}, "all pools together: 5 slots < 3 x 16"),
        (3, {"pools": {"p": AirflowPool("p", None, 0)}}, ""),
    ],
)
def test_replicas_beyond_what_airflow_lets_run(
    most: int, limits: dict[str, Any], said: str
) -> None:
    fleet = made(slots_per_replica=16, airflow="airflow", max_replicas=most)
    state = airflow(version="2.11", **limits)
    advice = advise(config(), tick(fleet, airflow=state), ())
    assert texts(advice).startswith(said)
    assert len(advice) == bool(said)


def test_several_fleets_and_schedulers_share_one_parallelism() -> None:
    one = made(slots_per_replica=16, airflow="airflow")
    other = made(slots_per_replica=8, airflow="airflow", name="eu", queues=("eu",))
    second = AirflowJob(JobKind.SCHEDULER, "b", NOW - 2)
    state = airflow(version="2.11", parallelism=64, jobs=(*airflow().jobs, second))
    [advice] = advise(config(), tick(one, other, airflow=state), ())
    assert advice.text.startswith(
        "[core] parallelism 64 of 2 schedulers < 3 x 16 slots of default + 3 x 8 slots of eu: not"
    )


def test_a_window_that_is_too_long_for_what_is_queued() -> None:
    behavior = Behavior(ScalingRules(300), ScalingRules())
    slow = seen(max_replicas=3, min_replicas=0, behavior=behavior)
    slow = replace(slow, airflow=AirflowDemand(0))
    [advice] = advise(config(), tick(turn(1, snapshot=slow)), ())
    assert "may need 7 min from zero to its first worker" in advice.text
    quick = replace(slow, fleet=replace(slow.fleet, behavior=None))
    assert advise(config(), tick(turn(1, snapshot=quick)), ()) == ()
    learned = replace(slow, airflow=AirflowDemand(0, task_queued_timeout_seconds=900))
    assert advise(config(), tick(turn(1, snapshot=learned)), ()) == ()


def test_airflow_3_without_a_word_of_its_api_server() -> None:
    [advice] = advise(config(), tick(airflow=airflow()), ())
    assert "AUTOSCALER_AIRFLOW_API_URL" in advice.text
    read = tick(airflow=airflow(), kinds={"api": ApiServerState})
    assert advise(config(), read, ()) == ()


def test_everything_that_was_found_has_a_row() -> None:
    queues = {
        ("default", "CeleryExecutor"): AirflowQueue("default", "CeleryExecutor", 5, 2, 1, 4),
        ("own", "LocalExecutor"): AirflowQueue("own", "LocalExecutor", 1),
    }
    pools = {"p": AirflowPool("p", 1, 1, 3), "free": AirflowPool("free", 8, 1)}
    state = airflow(queues=queues, pools=pools, parallelism=32)
    untold = WorkerState("mute@host")
    gone = worker("gone@host", offline=True)
    read = tick(
        made(replica("a")),
        workers=(untold, gone, worker("b@host", queues=())),
        airflow=state,
        queues={"default": QueueState("default", 7)},
    )
    document = found(read, {"eu"})
    assert document["airflow"][0] == {
        "source": "airflow",
        "version": "3.3",
        "schedulers": 1,
        "parallelism": 32,
    }
    assert [(row["queue"], row["fleet"], row["workers"]) for row in document["queues"]] == [
        ("default", "default", 1),
        ("eu", None, 0),
    ]
    assert [row["pool"] for row in document["full_pools"]] == ["p"]
    rows = [line.split() for line in "\n".join(found_lines(document)).splitlines()]
    assert ["default", "default", "1", "7", "5", "3", "4"] in rows
    assert ["eu", "nobody", "0", "-", "0", "0", "0"] in rows
    assert ["a@host", "a", "4", "0", "default"] in rows
    assert ["b@host", "none", "of", "ours", "4", "0", "none"] in rows
    assert ["mute@host", "none", "of", "ours", "-", "-", "?"] in rows
    assert ["p", "1", "1", "3"] in rows
    assert ["Scheduler", "a", "2", "s", "ago"] in rows


def test_long_lists_are_cut_short_and_empty_ones_left_out() -> None:
    many = found(tick(workers=tuple(worker(f"{n:02}@host") for n in range(25))), ())
    lines = [*found_lines(many)]
    assert lines[-1] == "and 5 more: see --json"
    assert not any("FULL POOL" in line or "HEARTBEAT" in line for line in lines)
    unlimited = found(tick(airflow=airflow(parallelism=None)), ())
    assert next(found_lines(unlimited)) == (
        "Airflow 3.3 (airflow): 1 scheduler, parallelism without limit"
    )

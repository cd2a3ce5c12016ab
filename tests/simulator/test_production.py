"""The daemon's own controller over the simulated world."""

from __future__ import annotations

import pytest

from autoscaler.config import Config
from autoscaler.errors import ConfigError
from autoscaler.model import Measured, Tick
from autoscaler.simulator.measures import Measures
from autoscaler.simulator.production import default_config, replay, rules_of
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World
from tests.simulator.traces import dags, plain, poisson


def replayed(
    trace: Trace, slots: int, most: int, ticks: list[Tick] | None = None, seed: int = 1
) -> Measures:
    config = default_config(trace, slots, most)
    world = World(trace, rules_of(config, trace), seed)
    return replay(config, world, observers=[] if ticks is None else [ticks.append])


def test_a_burst_gets_workers_which_leave_again_and_nobody_is_killed() -> None:
    ticks: list[Tick] = []
    burst = plain([(60 + n, 120) for n in range(40)] + [(3600, 1)])
    measures = replayed(burst, 4, 8, ticks)
    assert (measures.started, measures.kills) == (41, 0)
    assert measures.launches >= 4
    assert measures.within[300] == 1
    fleet = ticks[-1].fleets["default"].snapshot
    assert (fleet.current, fleet.ready, fleet.draining) == (1, 1, 0)
    assert measures.worker_seconds < 5 * 3900
    starts = [m for t in ticks for m in t.fleets["default"].measured if m.kind is Measured.START]
    assert all(30 < start.seconds < 180 for start in starts)
    assert len(starts) == measures.launches
    timed = {m.name for t in ticks for m in t.fleets["default"].measured}
    assert timed == {"default", "a"}


def test_draining_workers_are_resumed_and_never_killed_under_changing_load() -> None:
    bursts = [(600 * b + n / 10, 45 + n) for b in range(20) for n in range(30)]
    measures = replayed(plain(bursts), 2, 12)
    assert (measures.started, measures.kills) == (600, 0)


def test_airflow_is_followed_by_its_own_account_and_its_dags_are_learned() -> None:
    ticks: list[Tick] = []
    measures = replayed(dags().until(4 * 3600), 2, 4, ticks)
    assert (measures.started, measures.kills) == (measures.tasks, 0)
    assert ticks[-1].snapshot.kinds.keys() == {"broker", "workers", "airflow"}
    assert ticks[-1].known_dags == {"airflow": 2}
    assert ticks[-1].fleets["default"].snapshot.airflow is not None
    assert not ticks[-1].snapshot.missing
    timed = {m.name for t in ticks for m in t.fleets["default"].measured}
    assert {"team.etl.g.a", "team.etl.g.b"} <= timed


def test_the_same_seed_gives_the_same_measures() -> None:
    trace = poisson(0.2, 40.0, 200, 1)
    assert replayed(trace, 2, 8) == replayed(trace, 2, 8)
    assert replayed(trace, 2, 8) != replayed(trace, 2, 8, seed=2)


def test_progress_is_told_up_to_the_end() -> None:
    trace = plain([(0, 1), (3000, 1)])
    config = default_config(trace)
    told: list[float] = []
    replay(config, World(trace, rules_of(config, trace)), progress=told.append)
    assert told[0] == 0
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_config_of_ones_own_serves_the_trace_with_its_fleets() -> None:
    config = Config.model_validate(
        {
            "sources": {
                "broker": {"kind": "redis_broker", "url": "redis://127.0.0.1:6379/0"},
                "workers": {"kind": "celery_workers", "url": "redis://127.0.0.1:6379/0"},
            },
            "fleets": [
                {
                    "name": "own",
                    "queues": ["default", "other"],
                    "slots_per_replica": 3,
                    "min_replicas": 2,
                    "max_replicas": 2,
                    "target": {"kind": "local", "command": ["celery", "-n", "{unit}@%h"]},
                },
                {
                    "name": "web",
                    "queues": [],
                    "max_replicas": 2,
                    "target": {"kind": "simulated"},
                    "policies": [
                        {
                            "kind": "schedule",
                            "cron": "0 8 * * *",
                            "duration_seconds": 60,
                            "min_replicas": 2,
                        }
                    ],
                },
            ],
        }
    )
    trace = plain([(0, 10), (5, 10), (6, 10)])
    rules = rules_of(config, trace)
    assert [(name, rule.slots, rule.queues) for name, rule in rules.items()] == [
        ("own", 3, ("default", "other"))
    ]
    measures = replay(config, World(trace, rules))
    assert (measures.within[30], measures.worker_seconds) == (1, 2 * 306)
    with pytest.raises(ConfigError, match="no fleet serves queue heavy of trace plain"):
        rules_of(config, plain([(0, 1)], "heavy"))


def test_the_most_workers_may_differ_by_queue() -> None:
    trace = Trace("two", (*plain([(0, 1)], "x").tasks, *plain([(1, 1)], "Y_2").tasks))
    rules = rules_of(default_config(trace, 4, {"x": 3, "Y_2": 5}), trace)
    assert [(name, rule.max_workers) for name, rule in rules.items()] == [("x", 3), ("y-2", 5)]
    with pytest.raises(ConfigError, match="the most workers of queue Y_2 are not given"):
        default_config(trace, 4, {"x": 3})

"""Contenders run in worlds of their own, and are told of as means."""

from __future__ import annotations

import pytest

from autoscaler.simulator.contest import contest
from autoscaler.simulator.production import default_config, rules_of
from autoscaler.simulator.world import World
from tests.simulator.traces import poisson


def test_each_contender_has_a_world_for_each_seed_and_is_told_of_as_means() -> None:
    trace = poisson(0.2, 40.0, 120, 1)
    config = default_config(trace, 2, 6)
    rules = rules_of(config, trace)
    told: dict[tuple[str, int], float] = {}
    seen: dict[tuple[str, int], list[World]] = {}

    def progress(name: str, seed: int, share: float) -> None:
        told[name, seed] = share

    def over(name: str, world: World) -> None:
        seen.setdefault((name, world.seed), []).append(world)

    ours, static = contest(config, trace, rules, ["static"], (1, 2), progress=progress, over=over)
    assert (ours.name, static.name) == ("autoscaler", "static")
    assert ours.seeds == static.seeds == (1, 2)
    assert told == {(name, seed): 1.0 for name in ("autoscaler", "static") for seed in (1, 2)}
    assert seen.keys() == told.keys()
    assert all(len(worlds) == 1 and worlds[0].now == worlds[0].end for worlds in seen.values())
    results = [seen["autoscaler", seed][0].result() for seed in (1, 2)]
    assert results[0].waits != results[1].waits
    assert ours.waits[0.95] == pytest.approx(sum(one.waits[0.95] for one in results) / 2)
    assert static.within[30] == 1
    assert static.worker_hours == pytest.approx(6 * (trace.span + 300) / 3600)

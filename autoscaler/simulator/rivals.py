"""Whom a simulation can be run against, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autoscaler.simulator.bound import clairvoyant
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.measures import Measures
from autoscaler.simulator.peers.cpu_hpa import CpuHpa
from autoscaler.simulator.peers.cron import KedaWithCron
from autoscaler.simulator.peers.keda import Keda, KedaNeverKills
from autoscaler.simulator.peers.mwaa import Mwaa
from autoscaler.simulator.peers.run import run
from autoscaler.simulator.peers.target_tracking import TargetTracking
from autoscaler.simulator.peers.view import Peer
from autoscaler.simulator.world import World
from autoscaler.simulator.zero_wait import by_fleet, ideal_runs

CLAIRVOYANT = "clairvoyant"
Progress = Callable[[float], None]
Play = Callable[[World, Progress], Measures]


@dataclass(frozen=True, slots=True)
class Rival:
    """One of them. steady: whether its fleets have their most workers from the beginning on."""

    name: str
    what: str
    play: Play
    steady: bool = False

    def rules(self, rules: Mapping[str, Rules]) -> Mapping[str, Rules]:
        """Those of the fleets that it starts with."""
        if not self.steady:
            return rules
        return {name: replace(r, min_workers=r.max_workers) for name, r in rules.items()}


def _each(make: Callable[[Rules], Peer]) -> Play:
    """A peer of its own for each fleet."""

    def play(world: World, progress: Progress) -> Measures:
        peers = {fleet: make(rule) for fleet, rule in world.rules.items()}
        return run(peers, world, progress=progress)

    return play


def _with_cron(world: World, progress: Progress) -> Measures:
    runs = by_fleet(ideal_runs(world.trace), world.rules)
    peers = {
        fleet: KedaWithCron(rule, runs[fleet], world.end) for fleet, rule in world.rules.items()
    }
    return run(peers, world, progress=progress)


def _clairvoyant(world: World, progress: Progress) -> Measures:
    best = clairvoyant(world.trace, world.rules, world.seed, progress)
    return best.follow(world)


def _nothing(world: World, progress: Progress) -> Measures:
    progress(1.0)
    return world.result()


RIVALS: Mapping[str, Rival] = {
    rival.name: rival
    for rival in (
        Rival("keda", "KEDA as Airflow's chart sets it up, with a grace of 600 s", _each(Keda)),
        Rival("keda-drain", "the same, with a grace no task outlives", _each(KedaNeverKills)),
        Rival("keda-cron", "the same, with a cron trigger written in hindsight", _with_cron),
        Rival("hpa", "an HPA on 70 % CPU, 2 to 20 workers", _each(CpuHpa)),
        Rival("aws", "AWS target tracking on the backlog per worker", _each(TargetTracking)),
        Rival("mwaa", "Amazon MWAA's workers", _each(Mwaa)),
        Rival("static", "always the most workers", _nothing, steady=True),
        Rival(CLAIRVOYANT, "the cheapest plan found in hindsight, 95 % within 30 s", _clairvoyant),
    )
}

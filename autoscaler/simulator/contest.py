"""The daemon and its rivals on the same trace, in worlds that differ by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from autoscaler.config import Config
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.measures import OBJECTIVES, Measures
from autoscaler.simulator.production import replay
from autoscaler.simulator.rivals import CLAIRVOYANT, RIVALS, Progress, Rival
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World

OURS = "autoscaler"


@dataclass(frozen=True, slots=True)
class Standing:
    """What came of one contender, as means over its seeds. worker_hours: the cost."""

    name: str
    seeds: tuple[int, ...]
    within: Mapping[int, float]
    waits: Mapping[float, float]
    worker_hours: float
    kills: float
    launches_a_day: float
    flaps_a_day: float

    @classmethod
    def of(cls, name: str, measures: Mapping[int, Measures]) -> Standing:
        """The means over what came of each seed."""
        each = list(measures.values())
        quantiles = each[0].waits
        return cls(
            name=name,
            seeds=tuple(measures),
            within={s: fmean(one.within[s] for one in each) for s in OBJECTIVES},
            waits={q: fmean(one.waits[q] for one in each) for q in quantiles},
            worker_hours=fmean(one.worker_hours for one in each),
            kills=fmean(one.kills for one in each),
            launches_a_day=fmean(one.launches_a_day for one in each),
            flaps_a_day=fmean(one.flaps_a_day for one in each),
        )


def yardstick(standings: Sequence[Standing]) -> Standing:
    """Whose cost is 1: the clairvoyant's, where it takes part, else that of the first."""
    return next((one for one in standings if one.name == CLAIRVOYANT), standings[0])


def contest(
    config: Config,
    trace: Trace,
    rules: Mapping[str, Rules],
    against: Sequence[str] = (),
    seeds: Sequence[int] = (1,),
    *,
    progress: Callable[[str, int, float], None] = lambda *_: None,
    over: Callable[[str, World], None] = lambda *_: None,
) -> Iterator[Standing]:
    """Ours first, then each rival. progress is told whose turn it is, which seed, and the share.

    over: told of each world once everything has happened in it.
    """

    def ours(world: World, told: Progress) -> Measures:
        return replay(config, world, progress=told)

    us = Rival(OURS, "the daemon's own controller", ours)
    for rival in (us, *(RIVALS[name] for name in against)):
        measures = {}
        for seed in seeds:
            world = World(trace, rival.rules(rules), seed)
            measures[seed] = rival.play(world, partial(progress, rival.name, seed))
            over(rival.name, world)
        yield Standing.of(rival.name, measures)

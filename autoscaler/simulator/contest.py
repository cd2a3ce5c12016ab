"""The daemon and its rivals on the same trace, in worlds that differ by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

from autoscaler.config import Config
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.measures import OBJECTIVES, Measures
from autoscaler.simulator.production import replay
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World

OURS = "autoscaler"
CLAIRVOYANT = "clairvoyant"
Progress = Callable[[float], None]
Play = Callable[[World, Progress], Measures]


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


def static(world: World, progress: Progress) -> Measures:
    """A fleet that always has the most workers: nothing else is done."""
    rules = {name: replace(r, min_workers=r.max_workers) for name, r in world.rules.items()}
    full = World(world.trace, rules, world.seed, world.end)
    full.watch = world.watch
    for minute in range(int(world.end // 60) + 1):
        full.advance(60.0 * minute)
        progress(60.0 * minute / world.end)
    progress(1.0)
    return full.result()


RIVALS: Mapping[str, Play] = {"static": static}


def contest(
    config: Config,
    trace: Trace,
    rules: Mapping[str, Rules],
    against: Sequence[str] = (),
    seeds: Sequence[int] = (1,),
    *,
    progress: Callable[[str, int, float], None] = lambda *_: None,
    watch: Callable[[str, int, World], None] | None = None,
) -> Iterator[Standing]:
    """Ours first, then each rival.

    progress is told whose turn it is, which seed, and the share; watch is shown their world after
    each of its steps.
    """

    def ours(world: World, told: Progress) -> Measures:
        return replay(config, world, progress=told)

    plays: dict[str, Play] = {OURS: ours, **{name: RIVALS[name] for name in against}}
    for name, play in plays.items():
        measures = {}
        for seed in seeds:
            world = World(trace, rules, seed)
            world.watch = partial(watch, name, seed) if watch else None
            measures[seed] = play(world, partial(progress, name, seed))
        yield Standing.of(name, measures)

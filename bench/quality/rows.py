"""One contender on one trace, and the means over traces."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, geometric_mean

from autoscaler import registry
from autoscaler.config import Config
from autoscaler.config.plugin import plugin_config
from autoscaler.interfaces import Policy
from autoscaler.simulator.contest import OURS
from autoscaler.simulator.measures import Measures
from autoscaler.simulator.production import default_config, replay, rules_of
from autoscaler.simulator.rivals import RIVALS
from autoscaler.simulator.world import World
from bench.quality.cases import Case

KNOB = "slo"
AVERAGED = (
    *("a30", "a120", "a300", "p95", "hours", "kills_per_1000", "kills"),
    *("launches", "flaps", "tick_ms"),
)


@dataclass(frozen=True)
class Row:
    """What came of it. hours: the cost. ratio: to the yardstick; 0 while that is not known."""

    case: str
    group: str
    contender: str
    seed: int
    a30: float
    a120: float
    a300: float
    p95: float
    hours: float
    kills_per_1000: float
    kills: float
    launches: float
    flaps: float
    tick_ms: float
    ratio: float = 0.0


def contenders(names: Sequence[str], quantiles: Sequence[float]) -> list[str]:
    """Rivals first, then ours, then ours with the knob turned, where there is a knob."""
    swept = [f"{OURS}@{quantile:g}" for quantile in quantiles if KNOB in registry.POLICIES]
    return [*(names or [*RIVALS, OURS]), *swept]


def play(case: Case, contender: str, seed: int) -> Row:
    """Run it."""
    trace = case.trace()
    config = _config(case, contender)
    rules = rules_of(config, trace, case.slots)
    began = time.process_time()
    if contender in RIVALS:
        rival = RIVALS[contender]
        world = World(trace, rival.rules(rules), seed)
        measures = rival.play(world, lambda _: None)
    else:
        world = World(trace, rules, seed)
        measures = replay(config, world)
    ticks = max(1.0, world.end / config.interval_seconds)
    return _row(case, contender, seed, measures, (time.process_time() - began) / ticks * 1000)


def _row(case: Case, contender: str, seed: int, measures: Measures, tick_ms: float) -> Row:
    return Row(
        case=case.name,
        group=case.group,
        contender=contender,
        seed=seed,
        a30=100 * measures.within[30],
        a120=100 * measures.within[120],
        a300=100 * measures.within[300],
        p95=measures.waits[0.95],
        hours=measures.worker_hours,
        kills_per_1000=1000 * measures.kills / max(1, measures.tasks),
        kills=measures.kills,
        launches=measures.launches_a_day,
        flaps=measures.flaps_a_day,
        tick_ms=tick_ms,
    )


def means(rows: Iterable[Row], contender: str, name: str) -> Row | None:
    """Over all traces and seeds; of cost ratios the geometric mean."""
    mine = [row for row in rows if row.contender == contender]
    if not mine:
        return None
    plain = {what: fmean(getattr(row, what) for row in mine) for what in AVERAGED}
    ratios = [row.ratio for row in mine if row.ratio > 0]
    ratio = geometric_mean(ratios) if ratios else 0.0
    return Row(name, name, contender, 0, ratio=ratio, **plain)


def _config(case: Case, contender: str) -> Config:
    config = default_config(case.trace(), case.slots, case.max_workers())
    _, _, quantile = contender.partition("@")
    if not quantile:
        return config
    policy = plugin_config(Policy, {"kind": KNOB, "quantile": float(quantile)})
    fleets = tuple(fleet.model_copy(update={"policies": (policy,)}) for fleet in config.fleets)
    return config.model_copy(update={"fleets": fleets})

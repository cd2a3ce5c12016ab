"""What hindsight makes of a trace: a cost that nothing undercuts, and the cheapest plan found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from autoscaler.simulator.bound_demand import PatientSlots
from autoscaler.simulator.bound_plan import TICK_SECONDS, Shape, plan
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.measures import Measures
from autoscaler.simulator.peers.run import run
from autoscaler.simulator.peers.view import Leaving, View
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World
from autoscaler.simulator.zero_wait import Ideal, by_fleet, fleets_of, ideal_runs

OBJECTIVE_SECONDS = 30
SHARE_IN_TIME = 0.95
WINDOWS_SECONDS = (300.0, 900.0, 3600.0, 14_400.0)
TRIED = {
    "patience": (28.0, 10.0),
    "lead": (90.0, 75.0, 60.0),
    "hold": (60.0, 150.0),
}
PRICES = (16_000.0, 4000.0, 1000.0, 250.0, 100.0, 60.0, 40.0, 25.0, 15.0, 8.0)
HALVINGS = 3


class Planned:
    """Follows a plan; what leaves is taken back before anything is launched."""

    leaving = Leaving.DRAINED
    grace_seconds = 0.0
    resumes = True

    def __init__(self, rules: Rules, counts: Sequence[int]) -> None:
        self.rules = rules
        self._counts = counts

    def replicas(self, view: View) -> int:
        """The number of this tick."""
        return self._counts[min(len(self._counts) - 1, int(view.now // TICK_SECONDS))]


@dataclass(frozen=True, slots=True)
class Clairvoyant:
    """The cheapest plan that was found, what came of it, and its workers by tick and fleet."""

    shape: Shape
    measures: Measures
    counts: Mapping[str, Sequence[int]]

    def follow(self, world: World) -> Measures:
        """What comes of the plan in another world."""
        peers = {fleet: Planned(rule, self.counts[fleet]) for fleet, rule in world.rules.items()}
        return run(peers, world)


def lower_bound(trace: Trace, rules: Mapping[str, Rules], end: float) -> float:
    """Worker-seconds that no plan undercuts which starts every task within 30 s.

    In each window tasks fill slots for at least so long, however late within the 30 s (of each
    task before them too) they start; and there are never fewer workers than the least.
    """
    runs = by_fleet(ideal_runs(trace), rules)
    return sum(
        max(_in_windows(runs[fleet], rule, end, window) for window in WINDOWS_SECONDS)
        for fleet, rule in rules.items()
    )


def clairvoyant(
    trace: Trace,
    rules: Mapping[str, Rules],
    seed: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Clairvoyant:
    """The cheapest plan found of which 95 % of the tasks start within 30 s, by trial in the world.

    The shape of the plan is changed one thing after the other, for as long as that is cheaper.
    """
    search = _Search(trace, rules, seed, progress)
    best = search.trial(Shape())
    for name, values in TRIED.items():
        for value in values:
            best = search.better(best, replace(best.shape, **{name: value}))
    best = search.priced(best)
    for lead in (best.shape.lead - 7.5, best.shape.lead + 15.0):
        best = search.better(best, replace(best.shape, lead=lead))
    progress(1.0)
    return best


class _Search:
    """Trials of shapes; what opens slots is counted once for each patience."""

    def __init__(
        self,
        trace: Trace,
        rules: Mapping[str, Rules],
        seed: int,
        progress: Callable[[float], None],
    ) -> None:
        self._trace, self._rules, self._seed = trace, rules, seed
        self._progress = progress
        self._slots: dict[float, PatientSlots] = {}
        self._tried: dict[Shape, Clairvoyant] = {}

    def better(self, best: Clairvoyant, shape: Shape) -> Clairvoyant:
        """The cheaper of both, if it is in time."""
        return _cheaper(best, self.trial(shape))

    def priced(self, best: Clairvoyant) -> Clairvoyant:
        """The cheapest whose price still is in time, of some prices and of some in between."""
        kept, low, shape = 2 * PRICES[0], PRICES[-1], best.shape
        for price in PRICES:
            other = self.trial(replace(shape, price=price))
            if not _in_time(other):
                low = price
                break
            kept, best = price, _cheaper(best, other)
        for _ in range(HALVINGS):
            middle = math.sqrt(low * kept)
            other = self.trial(replace(shape, price=middle))
            low, kept = (low, middle) if _in_time(other) else (middle, kept)
            best = _cheaper(best, other)
        return best

    def trial(self, shape: Shape) -> Clairvoyant:
        """What comes of a plan of this shape."""
        if shape not in self._tried:
            self._tried[shape] = self._trial(shape)
            self._progress(min(0.99, len(self._tried) / 30))
        return self._tried[shape]

    def _trial(self, shape: Shape) -> Clairvoyant:
        if shape.patience not in self._slots:
            fleets = fleets_of(self._rules)
            self._slots[shape.patience] = PatientSlots(self._trace, fleets, shape.patience)
        slots = self._slots[shape.patience]
        world = World(self._trace, self._rules, self._seed)
        counts = {
            fleet: plan(slots.curves[fleet], slots.starts[fleet], rule, world.end, shape)
            for fleet, rule in self._rules.items()
        }
        peers = {fleet: Planned(rule, counts[fleet]) for fleet, rule in self._rules.items()}
        return Clairvoyant(shape, run(peers, world), counts)


def _in_time(plan: Clairvoyant) -> bool:
    return plan.measures.within[OBJECTIVE_SECONDS] >= SHARE_IN_TIME


def _cheaper(best: Clairvoyant, other: Clairvoyant) -> Clairvoyant:
    """In time comes before cheap; of two that are late, the one that is less so."""
    if not _in_time(best):
        within = OBJECTIVE_SECONDS
        return max(best, other, key=lambda each: each.measures.within[within])
    cheaper = other.measures.worker_seconds < best.measures.worker_seconds
    return other if cheaper and _in_time(other) else best


def _in_windows(runs: Sequence[Ideal], rule: Rules, end: float, window: float) -> float:
    count = math.ceil(end / window)
    filled = [0.0] * count
    for ideal in runs:
        latest = ideal.ready + OBJECTIVE_SECONDS * ideal.depth
        last = min(count - 1, int((latest + ideal.task.duration) // window))
        for number in range(min(count, int(ideal.ready // window)), last + 1):
            begin, stop = number * window, min(end, (number + 1) * window)
            filled[number] += min(
                _overlap(start, start + ideal.task.duration, begin, stop)
                for start in (ideal.ready, latest)
            )
    lengths = (min(end, (number + 1) * window) - number * window for number in range(count))
    return sum(
        max(seconds / rule.slots, rule.min_workers * length)
        for seconds, length in zip(filled, lengths, strict=True)
    )


def _overlap(begin: float, end: float, first: float, last: float) -> float:
    return max(0.0, min(end, last) - max(begin, first))

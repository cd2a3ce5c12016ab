"""What fleets may still add to what they load together, by what is known of it and was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from autoscaler.engine.crew import Crew, told_of
from autoscaler.engine.growth import Growth, Level
from autoscaler.engine.guards import GAP_INTERVALS, GAP_SECONDS
from autoscaler.engine.headroom import Claim, fitting
from autoscaler.engine.loads import Latency, Load, loads
from autoscaler.model import FleetSnapshot, Headroom, Snapshot, Verdict

STEADYING = 3
NOTHING_KNOWN = Crew()
Views = Mapping[str, FleetSnapshot]


@dataclass(frozen=True, slots=True)
class Loads:
    """What is remembered of them from tick to tick. A value: `after` returns the next one.

    now: what was read at the last tick; what was not bounds nobody. growths: what was learned of
    each, by its source. latencies: the last ones (seconds). turn: counts ticks, so that what cannot
    be divided goes to one fleet after the other.
    """

    now: tuple[Load, ...] = ()
    growths: Mapping[str, Growth] = field(default_factory=dict)
    crews: Mapping[str, Crew] = field(default_factory=dict)
    latencies: tuple[float, ...] = ()
    turn: int = 0

    def after(self, snapshot: Snapshot, views: Views) -> Loads:
        """With what one tick tells of all fleets whose demand Airflow knows."""
        mine = {name: view for name, view in views.items() if view.fleet.airflow is not None}
        crews = dict(self._crews(mine))
        told = {name for name, view in mine.items() if told_of(view)}
        read = tuple(loads(snapshot, mine))
        growths = dict(self.growths)
        for load in read:
            if told.issuperset(load.fleets):
                replicas = {name: crews[name].connected for name in load.fleets}
                level = Level(replicas, snapshot.now, snapshot.now, (load.level,))
                gap = max(_gap_seconds(mine[name]) for name in load.fleets)
                growths[load.source] = growths.get(load.source, Growth()).after(level, gap)
        latest = tuple(load.level for load in read if isinstance(load, Latency))
        latencies = (*self.latencies, *latest)[-STEADYING:] if latest else ()
        return Loads(read, growths, crews, latencies, self.turn + 1)

    def laid_on(self, views: Views) -> dict[str, FleetSnapshot]:
        """The views, with what bounds their growth most."""
        tightest: dict[str, Headroom] = {}
        for load in map(self._steadied, self.now):
            for name, headroom in self._headrooms(load, views):
                if name not in tightest or headroom.replicas < tightest[name].replicas:
                    tightest[name] = headroom
        bounded = {name: replace(views[name], headroom=each) for name, each in tightest.items()}
        return {**views, **bounded}

    def _crews(self, views: Views) -> Iterator[tuple[str, Crew]]:
        """Of a fleet that cannot be counted now, as it was."""
        for name, view in views.items():
            before = self.crews.get(name)
            if told_of(view):
                yield name, Crew.first(view) if before is None else before.after(view)
            elif before is not None:
                yield name, before

    def _steadied(self, load: Load) -> Load:
        """One slow answer, or quick one, does not make an API server slow or quick."""
        if isinstance(load, Latency):
            return replace(load, level=median(self.latencies))
        return load

    def _headrooms(self, load: Load, views: Views) -> Iterator[tuple[str, Headroom]]:
        claims = {name: self._claim(load, views[name]) for name in load.fleets}
        for name, more in fitting(load.level, claims, self.turn).items():
            message = _sentence(load, claims[name])
            yield name, Headroom(more, Verdict(load.bottleneck, message))

    def _claim(self, load: Load, view: FleetSnapshot) -> Claim:
        fleet = view.fleet
        learned = self.growths.get(load.source, Growth()).per_replica(fleet.name)
        return Claim(
            limit=load.limit(fleet.budgets),
            cost=load.assumed(view) if learned is None else learned,
            assumed=learned is None,
            coming=self.crews.get(fleet.name, NOTHING_KNOWN).coming,
            may_add=max(0, fleet.max_replicas - view.current),
        )


def _gap_seconds(view: FleetSnapshot) -> float:
    return max(GAP_SECONDS, GAP_INTERVALS * view.fleet.interval_seconds)


def _sentence(load: Load, claim: Claim) -> str:
    used, each = load.words(claim.limit or 0.0, claim.cost)
    parts = [used]
    if claim.cost:
        known = "assumed until it is known" if claim.assumed else "by what they cost so far"
        parts.append(f"about {each} a replica, {known}")
    if claim.coming:
        parts.append(f"{claim.coming} still coming")
    return "; ".join(parts)

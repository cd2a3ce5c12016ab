"""What the containers of one fleet's units use, remembered in little; bounded, whatever comes.

CPU is a histogram whose weights halve each day, as the vertical pod autoscaler keeps it; of memory
the last days' extremes are kept, as one peak too many ends tasks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, log

from autoscaler.engine.pod_resources import CONTAINER, CPU, MEMORY, POD
from autoscaler.engine.screening import plausible
from autoscaler.model import FleetSnapshot

EVERY_SECONDS = 60.0
DAY_SECONDS = HALF_LIFE_SECONDS = 86_400.0
DAYS = 8
MOST_CONTAINERS = 16
FIRST_CORES, GROWTH = 0.01, 1.05
NEGLIGIBLE = 0.001


@dataclass(frozen=True, slots=True)
class Reading:
    """What one container of one unit uses: cores, bytes, and tasks that its worker runs."""

    cores: float
    bytes: float
    busy: int


@dataclass(frozen=True, slots=True)
class MemoryDay:
    """The most and the least bytes that one unit took in a day, and what it ran at the most."""

    peak: float
    busy: int
    least: float

    def with_(self, used: float, busy: int) -> MemoryDay:
        """With one more reading."""
        least = min(self.least, used)
        higher = used > self.peak
        return MemoryDay(used, busy, least) if higher else MemoryDay(self.peak, self.busy, least)


@dataclass(frozen=True, slots=True)
class ContainerUse:
    """One container's use in all units of a fleet.

    cores: how much weight each bucket of cores has. days: of memory, by day since 1970. since, at:
    when it was first and last read (Unix seconds).
    """

    since: float
    at: float
    cores: Mapping[int, float] = field(default_factory=dict)
    days: Mapping[int, MemoryDay] = field(default_factory=dict)

    def quantile(self, share: float) -> float:
        """The cores that it stays within for this share of the time; the upper end of a bucket."""
        buckets = sorted(self.cores)
        sums = list(accumulate(self.cores[bucket] for bucket in buckets))
        return FIRST_CORES * GROWTH ** buckets[bisect_left(sums, share * sums[-1])]

    def after(self, now: float, readings: Sequence[Reading]) -> ContainerUse:
        """With what all units use now."""
        faded = 0.5 ** ((now - self.at) / HALF_LIFE_SECONDS)
        cores = {bucket: weight * faded for bucket, weight in self.cores.items()}
        day = int(now // DAY_SECONDS)
        days = {day_: seen for day_, seen in self.days.items() if day - DAYS < day_}
        for one in readings:
            bucket = _bucket(one.cores)
            cores[bucket] = cores.get(bucket, 0.0) + 1.0
            seen = days.get(day) or MemoryDay(one.bytes, one.busy, one.bytes)
            days[day] = seen.with_(one.bytes, one.busy)
        kept = {bucket: weight for bucket, weight in cores.items() if weight > NEGLIGIBLE}
        return ContainerUse(self.since, now, kept, days)


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of each container, by name. A value."""

    containers: Mapping[str, ContainerUse] = field(default_factory=dict)
    at: float | None = None

    def after(self, snapshot: FleetSnapshot) -> Usage:
        """With what one tick tells, at most once in EVERY_SECONDS."""
        now = snapshot.now
        if self.at is not None and 0 <= now - self.at < EVERY_SECONDS:
            return self
        read: dict[str, list[Reading]] = {}
        for container, reading in _readings(snapshot):
            read.setdefault(container, []).append(reading)
        if not read:
            return self
        known = dict(self.containers)
        for container, readings in read.items():
            before = known.pop(container, None) or ContainerUse(now, now)
            known[container] = before.after(max(now, before.at), readings)
        return Usage(dict(list(known.items())[-MOST_CONTAINERS:]), now)


def _readings(snapshot: FleetSnapshot) -> Iterator[tuple[str, Reading]]:
    """Of the containers of ready units, where CPU, memory and what the worker runs are known."""
    cores = {
        (sample.labels.get(POD), sample.labels.get(CONTAINER)): sample.value
        for sample in snapshot.samples.named(CPU)
        if plausible(sample.value)
    }
    units = {replica.name: replica for replica in snapshot.replicas if cores and replica.ready}
    for sample in snapshot.samples.named(MEMORY):
        pod, container = sample.labels.get(POD), sample.labels.get(CONTAINER)
        used = cores.get((pod, container))
        if container and pod in units and used is not None and plausible(sample.value):
            worker = units[pod].worker
            busy = 0 if worker is None else worker.busy
            if busy is not None:
                yield container, Reading(used, sample.value, busy)


def _bucket(cores: float) -> int:
    return 0 if cores <= FIRST_CORES else ceil(log(cores / FIRST_CORES, GROWTH))

"""The last tick, and the last decisions of each fleet that differ: what the API serves."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import islice

from autoscaler.model import Tick
from autoscaler.telemetry.record import DecisionRecord, same_story

TREND_TICKS = 40
MOST_RECORDS = 20_000
LEAST_RECORDS = 10


class Recent:
    """What happened lately, in memory. An observer of ticks; all reads are immediate.

    keep: how many decisions of each fleet; fewer where there are so many fleets that all of them
    together would pass `MOST_RECORDS`. read_at: when each source was last read (Unix seconds).
    """

    def __init__(self, keep: int = 200) -> None:
        self.tick: Tick | None = None
        self.read_at: Mapping[str, float] = {}
        self._keep = keep
        self._records: dict[str, deque[DecisionRecord]] = {}
        self._trends: dict[str, deque[float | None]] = {}

    def __call__(self, tick: Tick) -> None:
        before = self.tick.fleets if self.tick else {}
        for gone in self._records.keys() - tick.fleets.keys():
            del self._records[gone], self._trends[gone]
        for name, fleet in tick.fleets.items():
            if not same_story(fleet, before.get(name)):
                self._append(name, DecisionRecord.of(fleet), len(tick.fleets))
            demand = next((s.value for s in fleet.snapshot.samples.named("demand_tasks")), None)
            self._trends.setdefault(name, deque(maxlen=TREND_TICKS)).append(demand)
        read = {name: seen.at for name, seen in tick.snapshot.observations.items()}
        kept = {n: at for n, at in self.read_at.items() if n in tick.snapshot.missing}
        self.read_at = kept | read
        self.tick = tick

    def decisions(
        self, fleet: str, limit: int, before: float | None = None
    ) -> list[DecisionRecord]:
        """The fleet's decisions, newest first; only those earlier than `before` (Unix seconds)."""
        records = reversed(self._records.get(fleet, ()))
        wanted = (r for r in records if before is None or r.decision.at < before)
        return list(islice(wanted, limit))

    def decision_at(self, fleet: str, at: float) -> DecisionRecord | None:
        """The decision that held at that time, if it is still remembered."""
        for record in reversed(self._records.get(fleet, ())):
            if record.decision.at <= at:
                return record
        return None

    def trend(self, fleet: str) -> list[float | None]:
        """The fleet's demand in tasks at the last ticks, oldest first; None where unknown."""
        return list(self._trends.get(fleet, ()))

    def _append(self, name: str, record: DecisionRecord, fleets: int) -> None:
        keep = min(self._keep, max(LEAST_RECORDS, MOST_RECORDS // fleets))
        records = self._records.get(name)
        if records is None or records.maxlen != keep:
            records = self._records[name] = deque(records or (), maxlen=keep)
        records.append(record)

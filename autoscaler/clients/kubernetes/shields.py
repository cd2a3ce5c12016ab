"""Which pods to shield from eviction while they are busy, and how fast to write it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.marks import Changes
from autoscaler.clients.kubernetes.pods import Pod

IDLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ShieldRules:
    """How many annotations may be written: each second on average, and in one tick."""

    writes_per_second: float = 5.0
    writes_per_tick: int = 20


@dataclass(slots=True)
class Shields:
    """What is due. Remembers since when pods are idle, and how much was written of late.

    A pod that was idle for a moment keeps its shield, or short tasks would cost two writes each.
    """

    rules: ShieldRules
    _idle_since: dict[str, float] = field(default_factory=dict)
    _budget: float = 0.0
    _counted_at: float | None = None

    def due(
        self, pods: Iterable[Pod], busy: Mapping[str, bool], now: float
    ) -> list[tuple[Pod, Changes]]:
        """The annotations to change now, new shields first. busy: by name; others are unknown.

        now: seconds of any clock that only grows.
        """
        present = {pod.name: pod for pod in pods if pod.live}
        self._idle_since = {
            name: self._idle_since.get(name, now) for name in present if busy.get(name) is False
        }
        wanted = [
            (pod, marks.shielded(pod.shields))
            for name, pod in present.items()
            if busy.get(name) is True and marks.SHIELD not in pod.shields
        ]
        wanted += [
            (present[name], marks.unshielded(present[name].shields))
            for name, since in self._idle_since.items()
            if now - since >= IDLE_SECONDS and marks.SHIELD in present[name].shields
        ]
        allowed = self._allowed(now)
        self._budget -= min(allowed, len(wanted))
        return wanted[:allowed]

    def _allowed(self, now: float) -> int:
        """Writes saved up since the last look, never more than one tick may have."""
        elapsed = 1.0 if self._counted_at is None else now - self._counted_at
        self._counted_at = now
        saved = self._budget + max(0.0, elapsed) * self.rules.writes_per_second
        self._budget = min(saved, float(self.rules.writes_per_tick))
        return int(self._budget)

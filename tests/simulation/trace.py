"""What happened, in order: its hash, that runs of one seed share, and its last lines."""

from __future__ import annotations

import hashlib
from collections import Counter, deque


class Trace:
    """Every event of a run. `number` counts them; `counts` by kind, for figures and coverage.

    tail: how many lines are kept; None keeps all.
    """

    def __init__(self, tail: int | None = 60) -> None:
        self._hash = hashlib.blake2b(digest_size=8)
        self._tail: deque[str] = deque(maxlen=tail)
        self.number = 0
        self.counts: Counter[str] = Counter()

    def add(self, at: float, kind: str, text: str = "") -> None:
        """Take down one event at `at` (simulated seconds)."""
        self.number += 1
        self.counts[kind] += 1
        line = f"{self.number} {at:.3f} {kind} {text}"
        self._hash.update(line.encode())
        self._tail.append(line)

    @property
    def digest(self) -> str:
        """The hash of all events so far."""
        return self._hash.hexdigest()

    def tail(self) -> list[str]:
        """The last events, oldest first."""
        return list(self._tail)
